"""Lua scripts, sent by their digest."""

from collections.abc import Sequence
from hashlib import sha1
from typing import Any

from redis.exceptions import NoScriptError

from neo.streams.errors import driver_errors_mapped
from neo.streams.exchange import Exchange, Word
from neo.streams.lots import in_lots


class Script:
    def __init__(self, exchange: Exchange, source: str) -> None:
        self._source = source
        # A name that Valkey gives, and no secret.
        self._digest = sha1(source.encode(), usedforsecurity=False).hexdigest()
        self._call = in_lots(exchange)

    async def __call__(self, *, keys: list[bytes], words: Sequence[Word]) -> Any:
        command = ("EVALSHA", self._digest, len(keys), *keys, *words)
        with driver_errors_mapped():
            try:
                return await self._call(command)
            except NoScriptError:
                # Valkey is new, or has been emptied.
                await self._call(("SCRIPT", "LOAD", self._source))
            return await self._call(command)
