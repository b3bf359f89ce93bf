"""A tenant's sliding window in Valkey, shared by all processes."""

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


class SharedWindow:
    """Counts with one call for each request, so what it answers is exact. `limits`, the library that counts without
    Valkey, needs two calls for that: one to count, one to read what is left.
    """

    def __init__(self, valkey: Valkey, requests_max: int, *, seconds: int = WINDOW_SECONDS) -> None:
        self._requests_max = requests_max
        self._seconds = seconds
        self._script: Script = valkey.script(_SCRIPT)

    async def count(self, tenant_id: UUID) -> Count:
        """Count one request of the tenant, unless the window is full. Raises `StreamsUnavailable`."""
        is_allowed, remaining, reset = await self._script(
            keys=[KEY + tenant_id.bytes], words=[self._requests_max, self._seconds, uuid4().bytes]
        )
        return Count(bool(is_allowed), remaining, float(reset))
