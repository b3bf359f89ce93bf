"""The connections to Valkey, with a bound on every wait. Commands are sent in batches over the driver's pipelines."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha1
from typing import Any, TypeAlias

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    ClusterDownError,
    MasterDownError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import ConnectionError as ConnectionLost
from redis.exceptions import TimeoutError as DriverTimeout

from neo.errors import Edge, Failure, Kind
from neo.kit import Batcher

# A store that cannot write now; any other refusal of a command is for the caller to handle. The driver has classes
# for some of Valkey's words, and takes those words off the message.
CANNOT_WRITE = (OutOfMemoryError, ReadOnlyError, MasterDownError, ClusterDownError)
CANNOT_WRITE_WORDS = ("OOM", "MISCONF", "READONLY", "LOADING", "BUSY", "NOREPLICAS")
Word: TypeAlias = bytes | str | int | float
Command: TypeAlias = Sequence[Word]
# Valkey answers in well under a millisecond; after this it is down or stalled, and callers go without it.
ANSWER_SECONDS = 2.0
# Each command takes Valkey a fraction of a millisecond, and nobody else is to wait long for one batch.
COMMANDS_MAX = 128


class StreamsUnavailable(Failure):
    """Valkey does not answer or takes no writes: turns go on, tails are served from PostgreSQL."""

    kind = Kind.UNAVAILABLE
    code = "streams_unavailable"
    remedy = ""
    edges = (Edge.LOG,)


class CommandRefused(Exception):
    """Valkey answered, and the answer is no."""


@contextmanager
def driver_errors_mapped() -> Iterator[None]:
    try:
        yield
    except ResponseError as error:
        if isinstance(error, CANNOT_WRITE) or str(error).startswith(CANNOT_WRITE_WORDS):
            raise StreamsUnavailable("The event store does not take writes.") from error
        raise CommandRefused(str(error)) from error
    except (RedisError, OSError, TimeoutError) as error:
        raise StreamsUnavailable("The event store does not answer.") from error


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

    def script(self, source: str) -> "Script":
        return Script(source, self._pipelines.batcher())

    def new_connection(self) -> Any:
        """A connection outside the pool, for pub/sub."""
        # The driver does not say what it returns.
        return self._pool.make_connection()  # type: ignore[no-untyped-call]

    async def aclose(self) -> None:
        await self._pool.aclose()


class Pipelines:
    """Sends each batch of commands over a connection of the pool, and waits a bounded time for the answers."""

    def __init__(self, pool: ConnectionPool, answer_seconds: float) -> None:
        self._client = Redis(connection_pool=pool)
        # The driver would shape answers by the command's name. Ours are read as Valkey gives them.
        self._client.response_callbacks.clear()
        self._answer_seconds = answer_seconds

    async def send(self, commands: Sequence[Command]) -> list[Any]:
        """The answers in the commands' order; no transaction. A command that Valkey refuses has an error there."""
        pipeline = self._client.pipeline(transaction=False)
        for words in commands:
            pipeline.execute_command(*words)
        async with asyncio.timeout(self._answer_seconds):
            return await pipeline.execute(raise_on_error=False)

    def batcher(self) -> Batcher[Command, Any]:
        """What is called while a batch is on its way goes with the next. A command may fail without the others."""
        return Batcher(
            self.send, most=COMMANDS_MAX, name="valkey-batch", silence=(TimeoutError, DriverTimeout)
        )


class Script:
    """A Lua script, sent by its digest.

    Its calls are batched among themselves, so that they do not wait for other commands.
    """

    def __init__(self, source: str, batcher: Batcher[Command, Any]) -> None:
        self._source = source
        # A name that Valkey gives, and no secret.
        self._digest = sha1(source.encode(), usedforsecurity=False).hexdigest()
        self._call = batcher

    async def __call__(self, *, keys: list[bytes], words: Sequence[Word]) -> Any:
        command = ("EVALSHA", self._digest, len(keys), *keys, *words)
        with driver_errors_mapped():
            try:
                return await self._call(command)
            except NoScriptError:
                # Valkey is new, or has been emptied.
                await self._call(("SCRIPT", "LOAD", self._source))
            return await self._call(command)
