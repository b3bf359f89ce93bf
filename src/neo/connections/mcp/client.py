"""A client of one connection for one turn, whose calls end as outcomes."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import quote

import httpx2

from neo.connections.breaker import Breaker, Breakers
from neo.connections.exchange import Exchange
from neo.connections.mcp.door import Door
from neo.connections.mcp.ended import outcome_of
from neo.connections.outcome import Ending, Outcome
from neo.connections.sign_in import SignIn
from neo.connections.target import Target
from neo.connections.tokens import Tokens
from neo.connections.tools import Catalogue
from neo.connections.waiting import held_back, tell, until
from neo.egress import Bounds, Egress

if TYPE_CHECKING:
    from neo.connections.mcp.conversation import Conversation

T = TypeVar("T")

KEY_HEADER, KEY_META = "idempotency-key", "neo/idempotency-key"
CALL_SECONDS, LIST_SECONDS = 30.0, 15.0
# Nobody waits for what a server says after its call was taken back.
LEAVE_SECONDS = 1.0


class McpServers:
    """What the clients of a process share: the way out, tokens, and who is known to be down."""

    def __init__(self, egress: Egress) -> None:
        self._egress = egress
        self._tokens = Tokens(egress)
        self._breakers = Breakers()

    def client(self, target: Target) -> "McpClient":
        """Nothing is sent before the first call."""
        breaker = self._breakers.of(target.tenant, target.connection)
        return McpClient(target, self._egress, SignIn(target, self._tokens), breaker)


class McpClient:
    """Calls may be made beside each other. A server that has gone away is asked anew by the next call."""

    def __init__(self, target: Target, egress: Egress, sign_in: SignIn, breaker: Breaker) -> None:
        self._target = target
        self._egress = egress
        self._sign_in = sign_in
        self._breaker = breaker
        self._starting = asyncio.Lock()
        self._conversation: Conversation | None = None
        self._opening = Exchange()
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
        places = self._target.company
        meta, given, headers = {KEY_META: key}, dict(arguments), {KEY_HEADER: key}
        for place, where in ((places.meta, meta), (places.argument, given), (places.header, headers)):
            if place is not None and company is not None:
                where[place] = quote(company, safe=" /:+@") if where is headers else company
        exchange = self._calls[key] = Exchange(headers)
        try:
            return await self._ended(
                exchange, seconds, cancelled, lambda speaking: speaking.call(name, given, meta)
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
        if refused := held_back(self._breaker):
            return refused
        outcome: T | Outcome | None = None
        try:
            answered = await until(self._asked(ask), exchange, seconds, cancelled, self._leaving)
            outcome = outcome_of(answered, exchange, self._opening, self._sign_in)
            return outcome
        finally:
            tell(self._breaker, outcome)

    async def _asked(self, ask: "Callable[[Conversation], Awaitable[T]]") -> T:
        return await ask(await self._speaking())

    async def _speaking(self) -> "Conversation":
        """The conversation, begun at the first call and anew when it has ended."""
        async with self._starting:
            if self._conversation is None or self._conversation.is_over:
                begin = await asyncio.to_thread(_load)
                if self._conversation is not None:
                    await self._conversation.aclose()
                self._opening = Exchange()
                self._conversation = begin(self._target.url, self._http(), self._target.protocol)
            return self._conversation

    def _http(self) -> httpx2.AsyncClient:
        url = httpx2.URL(self._target.url)
        return self._egress.client_through(
            self._target.tenant,
            lambda inner: Door(inner, url, self._sign_in, self._exchange_of),
            bounds=Bounds(answer_bytes=self._target.answer_bytes),
        )

    def _exchange_of(self, message: Any) -> Exchange:
        match message:
            case {"method": "tools/call", "params": {"_meta": {"neo/idempotency-key": str(key)}}}:
                return self._calls.get(key) or Exchange(ending=Ending.CANCELLED)
            case {"method": "tools/list"}:
                return self._listing
            case {"method": "server/discover" | "initialize"} if not self._opening.is_final:
                self._opening = Exchange()
                return self._opening
            case {"method": "server/discover" | "initialize"}:
                return self._opening
        return Exchange()


def _load() -> "type[Conversation]":
    # Most of a second, for processes that do call MCP servers.
    from neo.connections.mcp.conversation import Conversation  # noqa: PLC0415

    return Conversation
