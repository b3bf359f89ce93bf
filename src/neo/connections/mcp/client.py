"""A client of one connection for one turn, whose calls end as outcomes."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

import httpx2

from neo.connections.exchange import Exchange
from neo.connections.line import Line
from neo.connections.mcp.door import Door
from neo.connections.mcp.ended import first_down, outcome_of
from neo.connections.outcome import Ending, Outcome
from neo.connections.tools import Catalogue
from neo.connections.waiting import held_back, tell, until

if TYPE_CHECKING:
    from neo.connections.mcp.conversation import Conversation

T = TypeVar("T")

KEY_HEADER, KEY_META = "idempotency-key", "neo/idempotency-key"
CALL_SECONDS, LIST_SECONDS = 30.0, 15.0
# Nobody waits for what a server says after its call was taken back.
LEAVE_SECONDS = 1.0


class McpClient:
    """Calls may be made beside each other. A server that has gone away is asked anew by the next call."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._target = line.target
        self._starting = asyncio.Lock()
        self._learning = asyncio.Lock()
        self._conversation: Conversation | None = None
        self._openings = [Exchange()]
        self._listing = Exchange()
        self._calls: dict[str, Exchange] = {}
        self._leaving: set[asyncio.Future[Any]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def call(
        self,
        name: str,
        arguments: Mapping[str, Any],
        *,
        key: str,
        seconds: float = CALL_SECONDS,
        company: str | None = None,
        cancelled: asyncio.Event | None = None,
    ) -> Outcome:
        """Call a tool. The key is the call's own over all its attempts; two calls of one key do not run beside each
        other. Once `cancelled` is set the call is taken back, by the protocol's own means.
        """
        if key in self._calls:
            raise ValueError(f"A call with the key {key} is running.")
        meta, given, headers = {KEY_META: key}, dict(arguments), {KEY_HEADER: key}
        self._target.company.put(company, arguments=given, headers=headers, meta=meta)
        exchange = self._calls[key] = Exchange(headers)
        try:
            return await self._ended(
                exchange, seconds, cancelled, lambda speaking: self._called(speaking, name, given, meta)
            )
        finally:
            del self._calls[key]

    async def list_tools(self, *, seconds: float = LIST_SECONDS) -> Catalogue | Outcome:
        """The server's tools, or how the asking ended. Not beside another asking of the same client."""
        exchange = self._listing = Exchange()
        return await self._ended(exchange, seconds, None, lambda speaking: speaking.list_tools())

    async def aclose(self) -> None:
        """End the conversation, whatever is still running in it."""
        if self._conversation is not None:
            await self._conversation.aclose()
        if self._leaving:
            await asyncio.wait(self._leaving, timeout=LEAVE_SECONDS)

    async def _ended(
        self,
        exchange: Exchange,
        seconds: float,
        cancelled: asyncio.Event | None,
        ask: "Callable[[Conversation], Awaitable[T]]",
    ) -> "T | Outcome":
        if refused := held_back(self._line.breaker):
            return refused
        outcome: T | Outcome | None = None
        try:
            answered = await until(self._asked(ask), exchange, seconds, cancelled, self._leaving)
            outcome = outcome_of(answered, exchange, self._before(), self._line.sign_in)
            return outcome
        finally:
            tell(self._line.breaker, outcome)

    async def _called(
        self, speaking: "Conversation", name: str, given: dict[str, Any], meta: dict[str, Any]
    ) -> Outcome:
        if self._target.wants_arguments_in_headers:
            # The library learns from the list which they are. It is asked for first: a call is sent once.
            async with self._learning:
                if not speaking.has_listed:
                    self._listing = Exchange()
                    await speaking.list_tools()
        return await speaking.call(name, given, meta)

    async def _asked(self, ask: "Callable[[Conversation], Awaitable[T]]") -> T:
        return await ask(await self._speaking())

    async def _speaking(self) -> "Conversation":
        """The conversation, begun at the first call and anew when it has ended."""
        async with self._starting:
            if self._conversation is None or self._conversation.is_over:
                begin = await asyncio.to_thread(_load)
                if self._conversation is not None:
                    await self._conversation.aclose()
                self._openings = [Exchange()]
                self._conversation = begin(self._target.url, self._http(), self._target.protocol)
            return self._conversation

    def _http(self) -> httpx2.AsyncClient:
        url = httpx2.URL(self._target.url)
        return self._line.egress.client_through(
            self._target.tenant,
            lambda inner: Door(inner, url, self._line.sign_in, self._exchange_of),
            bounds=self._line.bounds,
        )

    def _before(self) -> Exchange:
        """What tells why a call was not even sent."""
        return self._listing if self._listing.ending is not None else first_down(self._openings)

    def _exchange_of(self, message: Any) -> Exchange:
        match message:
            case {"method": "tools/call", "params": {"_meta": {"neo/idempotency-key": str(key)}}}:
                return self._calls.get(key) or Exchange(ending=Ending.CANCELLED)
            case {"method": "tools/list"}:
                return self._listing
            case {"method": "server/discover" | "initialize"}:
                if not self._openings[-1].is_final:
                    self._openings.append(Exchange())
                return self._openings[-1]
        return Exchange()


def _load() -> "type[Conversation]":
    # Most of a second, for processes that do call MCP servers.
    from neo.connections.mcp.conversation import Conversation  # noqa: PLC0415

    return Conversation
