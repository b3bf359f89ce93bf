"""Lua scripts, called together."""

from collections.abc import Sequence
from hashlib import sha1
from typing import Any, TypeAlias

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

from neo.kit import Together
from neo.streams.errors import driver_errors_mapped

Word: TypeAlias = bytes | str | int | float

# Calls of one lot: each is a fraction of a millisecond for Valkey, which nobody else is to wait long for.
CALLS_MAX = 128


class Script:
    """A Lua script, sent by its digest. Calls made while others are on their way are sent together, for a fifth of
    what each costs alone; one may fail without the others.
    """

    def __init__(self, client: Redis, source: str) -> None:
        self._client = client
        self._source = source
        # A name that Valkey gives, and no secret.
        self._digest = sha1(source.encode(), usedforsecurity=False).hexdigest()
        self._send = Together(self._send_all, most=CALLS_MAX, name="valkey-script")

    async def __call__(self, *, keys: list[bytes], words: Sequence[Word]) -> Any:
        with driver_errors_mapped():
            return await self._send([len(keys), *keys, *words])

    async def _send_all(self, calls: list[list[Word]]) -> list[Any]:
        answers = await self._sent(calls)
        unknown = [number for number, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if unknown:
            # Valkey is new, or has been emptied.
            await self._client.script_load(self._source)
            again = await self._sent([calls[number] for number in unknown])
            for number, answer in zip(unknown, again, strict=True):
                answers[number] = answer
        return answers

    async def _sent(self, calls: list[list[Word]]) -> list[Any]:
        async with self._client.pipeline(transaction=False) as lot:
            for call in calls:
                lot.execute_command("EVALSHA", self._digest, *call)
            return await lot.execute(raise_on_error=False)
