"""The connections to Valkey, with a bound on every wait."""

from collections.abc import Sequence
from typing import Any

from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from neo.streams.errors import driver_errors_mapped
from neo.streams.exchange import Exchange, Word
from neo.streams.lots import in_lots
from neo.streams.script import Script

# Valkey answers in well under a millisecond; after this it is down or stalled, and callers go without it.
ANSWER_SECONDS = 2.0


class Valkey:
    """One process's connections to one Valkey, which need not be up yet: one for calls, one for lists of them, one for
    each script. More would only queue in Valkey.
    """

    def __init__(self, url: str, *, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._answer_seconds = answer_seconds
        # It reads the address; the connections are ours.
        self._pool = ConnectionPool.from_url(
            url,
            socket_connect_timeout=answer_seconds,
            # Each lot is bounded as a whole.
            socket_timeout=None,
            retry=Retry(NoBackoff(), 0),
            # RESP3 would add a handshake for maintenance notices, which Valkey does not know.
            protocol=2,
        )
        self._exchanges: list[Exchange] = []
        self._call = in_lots(self._exchange())
        self._lists = self._exchange()

    @property
    def answer_seconds(self) -> float:
        return self._answer_seconds

    async def call(self, *words: Word) -> Any:
        """The answer as Valkey gives it."""
        with driver_errors_mapped():
            return await self._call(words)

    async def call_all(self, commands: Sequence[Sequence[Word]]) -> list[Any]:
        """The answers to them all, in one exchange; no transaction."""
        with driver_errors_mapped():
            answers = await self._lists(commands)
            for answer in answers:
                if isinstance(answer, Exception):
                    raise answer
        return answers

    async def ping(self) -> None:
        await self.call("PING")

    async def info(self, section: str) -> dict[str, str]:
        """What Valkey says of itself, by name."""
        told: bytes = await self.call("INFO", section)
        return dict(line.split(":", 1) for line in told.decode().splitlines() if ":" in line)

    def script(self, source: str) -> Script:
        return Script(self._exchange(), source)

    def new_connection(self) -> Any:
        """A connection of its own, whose reads wait as long as it takes."""
        return self._pool.connection_class(**self._pool.connection_kwargs)

    async def aclose(self) -> None:
        for exchange in self._exchanges:
            await exchange.aclose()

    def _exchange(self) -> Exchange:
        exchange = Exchange(self.new_connection, self._answer_seconds)
        self._exchanges.append(exchange)
        return exchange
