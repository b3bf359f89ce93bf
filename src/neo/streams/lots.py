"""Commands of many callers, sent in one exchange."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from redis.asyncio import Redis
from redis.exceptions import TimeoutError as NoAnswer

from neo.kit import Together

Word: TypeAlias = bytes | str | int | float

# Each command is a fraction of a millisecond for Valkey, which nobody else is to wait long for.
COMMANDS_MAX = 128


class Lots:
    """What is called while a lot is on its way goes with the next one, for a fifth of what it costs alone. One command
    may fail without the others.
    """

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._send = Together(self.exchange, most=COMMANDS_MAX, name="valkey-lot", silence=NoAnswer)

    async def call(self, words: Sequence[Word]) -> Any:
        return await self._send(words)

    async def exchange(self, commands: Sequence[Sequence[Word]]) -> list[Any]:
        """The answers to these commands, in their order; no transaction. An answer may be an error."""
        async with self._client.pipeline(transaction=False) as lot:
            for words in commands:
                lot.execute_command(*words)
            return await lot.execute(raise_on_error=False)
