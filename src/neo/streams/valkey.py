"""The connections to Valkey, with a bound on every wait."""

from collections.abc import Sequence
from typing import Any

from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as ConnectionLost

from neo.streams.errors import driver_errors_mapped
from neo.streams.pipeline import Command, Pipelines, Word
from neo.streams.script import Script

# Valkey answers in well under a millisecond; after this it is down or stalled, and callers go without it.
ANSWER_SECONDS = 2.0


class Valkey:
    """One process's connections to one Valkey, which need not be up yet."""

    def __init__(self, url: str, *, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._answer_seconds = answer_seconds
        self._pool = ConnectionPool.from_url(
            url,
            socket_connect_timeout=answer_seconds,
            # Each batch is bounded as a whole. The driver may lose the cancellation that ends it, and then ends itself.
            socket_timeout=answer_seconds,
            # A server that was restarted has closed our connections. Each command may be repeated, once.
            retry=Retry(NoBackoff(), 1, supported_errors=(ConnectionLost,)),
            # RESP3 would add a handshake for maintenance notices, which Valkey does not know.
            protocol=2,
        )
        self._pipelines = Pipelines(self._pool, answer_seconds)
        self._call = self._pipelines.batcher()

    @property
    def answer_seconds(self) -> float:
        return self._answer_seconds

    async def call(self, *words: Word) -> Any:
        """The answer as Valkey gives it."""
        with driver_errors_mapped():
            return await self._call(words)

    async def call_all(self, commands: Sequence[Command]) -> list[Any]:
        """The answers to them all, in one pipeline; no transaction."""
        with driver_errors_mapped():
            answers = await self._pipelines.send(commands)
            for answer in answers:
                if isinstance(answer, Exception):
                    raise answer
        return answers

    async def ping(self) -> None:
        await self.call("PING")

    async def info(self, section: str) -> dict[str, str]:
        """What Valkey says of itself, by name."""
        report: bytes = await self.call("INFO", section)
        return dict(line.split(":", 1) for line in report.decode().splitlines() if ":" in line)

    def script(self, source: str) -> Script:
        return Script(source, self._pipelines.batcher())

    def new_connection(self) -> Any:
        """A connection outside the pool, for pub/sub."""
        # The driver does not say what it returns.
        return self._pool.make_connection()  # type: ignore[no-untyped-call]

    async def aclose(self) -> None:
        await self._pool.aclose()
