"""Sliding windows in Valkey, shared by all processes."""

from collections.abc import Mapping
from importlib.resources import files
from typing import NamedTuple
from uuid import UUID, uuid4

from neo.streams import Script, Valkey

WINDOW_SECONDS = 60
KEY = b"neo:limit:"
_SCRIPT = (files("neo.access.limits") / "window.lua").read_text()


class Count(NamedTuple):
    is_allowed: bool
    remaining: int
    reset_epoch_seconds: float


class SharedWindows:
    """Counts with one call for each request, so what it answers is exact. `limits`, the library that counts without
    Valkey, needs two calls for that: one to count, one to read what is left.
    """

    def __init__(self, valkey: Valkey, *, seconds: int = WINDOW_SECONDS) -> None:
        self._seconds = seconds
        self._script: Script = valkey.script(_SCRIPT)

    async def count(self, windows: Mapping[UUID, int]) -> Count:
        """Count one request in each of the windows, unless one has as many as are given for it. Raises
        `StreamsUnavailable`.
        """
        is_allowed, remaining, reset = await self._script(
            keys=[KEY + window.bytes for window in windows],
            words=[self._seconds, uuid4().bytes, *windows.values()],
        )
        return Count(bool(is_allowed), remaining, float(reset))
