"""The connections to Valkey, with a bound on every wait."""

from collections.abc import Sequence
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as ConnectionLost

from neo.streams.errors import driver_errors_mapped
from neo.streams.lots import Lots, Word
from neo.streams.script import Script

# Commands are short, so a few connections serve thousands of readers; more would only queue in Valkey.
CONNECTIONS_MAX = 32
# Valkey answers in well under a millisecond; after this it is down or stalled, and callers go without it.
ANSWER_SECONDS = 2.0


class Valkey:
    """One process's connections to one Valkey, which need not be up yet."""

    def __init__(
        self,
        url: str,
        *,
        connections_max: int = CONNECTIONS_MAX,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._answer_seconds = answer_seconds
        self._pool = BlockingConnectionPool.from_url(
            url,
            max_connections=connections_max,
            timeout=answer_seconds,
            socket_timeout=answer_seconds,
            socket_connect_timeout=answer_seconds,
            # Once, for a pooled connection that a restarted server has closed: our commands may be repeated.
            retry=Retry(NoBackoff(), 1, (ConnectionLost,)),
            # RESP3 would add a handshake for maintenance notices, which Valkey does not know.
            protocol=2,
        )
        self._client = Redis.from_pool(self._pool)
        self._lots = Lots(self._client)

    @property
    def answer_seconds(self) -> float:
        return self._answer_seconds

    async def call(self, *words: Word) -> Any:
        with driver_errors_mapped():
            return await self._lots.call(words)

    async def call_all(self, commands: Sequence[Sequence[Word]]) -> list[Any]:
        """The answers to them all, in one exchange; no transaction."""
        with driver_errors_mapped():
            answers = await self._lots.exchange(commands)
            for answer in answers:
                if isinstance(answer, Exception):
                    raise answer
        return answers

    async def ping(self) -> None:
        await self.call("PING")

    def script(self, source: str) -> Script:
        return Script(self._client, source)

    def subscriber(self) -> Any:
        """Build a connection of its own, outside the pool, whose reads wait as long as it takes."""
        settings = dict(self._pool.connection_kwargs)
        settings.update(socket_timeout=None, retry=Retry(NoBackoff(), 0))
        return self._pool.connection_class(**settings)

    async def aclose(self) -> None:
        await self._client.aclose()
