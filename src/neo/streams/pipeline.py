"""Commands to Valkey, sent in batches over the driver's pipelines."""

import asyncio
from collections.abc import Sequence
from typing import Any, TypeAlias

from redis.asyncio import ConnectionPool, Redis
from redis.exceptions import TimeoutError as DriverTimeout

from neo.kit import Batcher

Word: TypeAlias = bytes | str | int | float
Command: TypeAlias = Sequence[Word]

# Each command takes Valkey a fraction of a millisecond, and nobody else is to wait long for one batch.
COMMANDS_MAX = 128


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
