"""The protocol's library, in a task of its own. This module alone imports it, and is imported late."""

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from typing import Any

import httpx2
from mcp import Client, types
from mcp.client.session import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp.types import Implementation
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS
from opentelemetry.context import Context, attach, detach
from pydantic import TypeAdapter, ValidationError

from neo.connections.mcp.ended import AnsweredError, BrokenError
from neo.connections.mcp.listing import catalogue_of
from neo.connections.mcp.results import outcome_of_result
from neo.connections.outcome import Outcome
from neo.connections.tools import Catalogue

NAME = Implementation(name="neo", version="1")
CLOSE_SECONDS = 1.0
PAGES_MAX = 100
_CALLED: TypeAdapter[types.CallToolResult | types.InputRequiredResult] = TypeAdapter(
    types.CallToolResult | types.InputRequiredResult
)

# It logs what servers say, which is nobody's to read in a log; and what matters of it is in the outcomes.
logging.getLogger("mcp").setLevel(logging.CRITICAL)


class Conversation:
    def __init__(self, url: str, http: httpx2.AsyncClient, protocol: str | None) -> None:
        self._http = http
        self._client = Client(
            streamable_http_client(url, http_client=http, max_sse_event_size=None),
            mode=_mode(protocol),
            # Nothing is kept from one list to the next.
            cache=None,
            client_info=NAME,
        )
        self._session: asyncio.Future[ClientSession] = asyncio.get_running_loop().create_future()
        self._closing = asyncio.Event()
        self._running = asyncio.create_task(self._run())
        self.has_listed = False

    @property
    def is_over(self) -> bool:
        return self._running.done() or (self._session.done() and self._session.exception() is not None)

    async def call(self, name: str, arguments: dict[str, Any], meta: dict[str, Any]) -> Outcome:
        """Raises `BrokenError` and `AnsweredError`."""
        return outcome_of_result(await self._call(name, arguments, meta))

    async def list_tools(self) -> Catalogue:
        """Raises `BrokenError` and `AnsweredError`."""
        return await asyncio.to_thread(catalogue_of, *await self._pages())

    async def aclose(self) -> None:
        self._closing.set()
        await asyncio.wait({self._running}, timeout=CLOSE_SECONDS)
        self._running.cancel()
        await asyncio.wait({self._running})
        await self._http.aclose()

    async def _call(
        self, name: str, arguments: dict[str, Any], meta: dict[str, Any]
    ) -> types.CallToolResult | types.InputRequiredResult:
        session = await self._opened()
        params = types.CallToolRequestParams.model_validate(
            {"name": name, "arguments": arguments, "_meta": meta}
        )
        with _own_errors():
            # Not the library's own `call_tool`: after the effect it raises where the server's schema is bad. And once:
            # that a call was refused before it was looked at is the server's word alone.
            return await session.send_request(types.CallToolRequest(params=params), _CALLED)

    async def _pages(self) -> tuple[list[types.ListToolsResult], str]:
        session = await self._opened()
        pages: list[types.ListToolsResult] = []
        cursor: str | None = None
        with _own_errors():
            for _ in range(PAGES_MAX):
                page = await session.list_tools(params=types.PaginatedRequestParams(cursor=cursor))
                pages.append(page)
                if page.next_cursor is None:
                    break
                cursor = page.next_cursor
        self.has_listed = True
        return pages, session.protocol_version or ""

    async def _opened(self) -> ClientSession:
        """The session, once it is there. Whoever stops waiting does not stop the others."""
        return await asyncio.shield(self._session)

    async def _run(self) -> None:
        try:
            with _untraced():
                async with self._client as client:
                    self._session.set_result(client.session)
                    await self._closing.wait()
        except BaseException as error:  # noqa: BLE001 - whatever ends this task ends it alone.
            self._refuse(error)
        finally:
            self._refuse(None)

    def _refuse(self, error: BaseException | None) -> None:
        if not self._session.done():
            broken = BrokenError("The server does not speak the protocol.")
            broken.__cause__ = error
            self._session.set_exception(broken)
            # Nobody may be waiting.
            self._session.exception()


@contextlib.contextmanager
def _untraced() -> Iterator[None]:
    """Without the trace that is open: the library would write its ids into what it sends to strangers."""
    token = attach(Context())
    try:
        yield
    finally:
        detach(token)


@contextlib.contextmanager
def _own_errors() -> Iterator[None]:
    try:
        with _untraced():
            yield
    except MCPError as error:
        raise AnsweredError(error.error.message) from error
    except (ValidationError, RuntimeError) as error:
        raise BrokenError("The server's answer is not what the protocol allows.") from error


def _mode(protocol: str | None) -> str:
    if protocol in MODERN_PROTOCOL_VERSIONS:
        return protocol
    return "legacy" if protocol in HANDSHAKE_PROTOCOL_VERSIONS else "auto"
