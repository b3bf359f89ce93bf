"""Lua scripts, sent by their digest."""

from collections.abc import Sequence
from hashlib import sha1
from typing import Any

from redis.exceptions import NoScriptError

from neo.kit import Batcher
from neo.streams.errors import driver_errors_mapped
from neo.streams.pipeline import Command, Word


class Script:
    """A script's calls are batched among themselves, so that they do not wait for other commands."""

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
