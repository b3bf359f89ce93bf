"""One tenant's sliding minute, as all processes count it, and what this process knows of it."""

import asyncio
import time
from importlib.resources import files
from typing import NamedTuple
from uuid import UUID, uuid4

from neo.streams import Script, StreamsUnavailable, Valkey

WINDOW_SECONDS = 60
# What is known of the window is believed for this long. Each request it lets pass is answered with newer knowledge
# within a millisecond or two, so this bounds what other processes may have taken meanwhile, and what headers tell.
BELIEVED_SECONDS = 10.0
# Requests counted with one call.
NAMES_MAX = 1_000
KEY = b"neo:limit:"
_SCRIPT = (files("neo.access") / "window.lua").read_text()


class Count(NamedTuple):
    is_allowed: bool
    remaining: int
    reset_epoch_seconds: float


class SharedCount:
    """The count in Valkey. Many requests are one call."""

    def __init__(self, valkey: Valkey, most: int) -> None:
        self._most = most
        self._script: Script = valkey.script(_SCRIPT)

    async def add(self, tenant_id: UUID, requests: int, *, is_decided: bool) -> Count:
        """Count them; ones that are not decided yet only where all of them are allowed."""
        prefix = uuid4().bytes
        names = [prefix + number.to_bytes(2) for number in range(requests)]
        words: list[bytes | int] = [self._most, WINDOW_SECONDS, int(is_decided), *names]
        is_allowed, remaining, reset = await self._script(keys=[KEY + tenant_id.bytes], words=words)
        return Count(bool(is_allowed), remaining, float(reset))


class Window:
    """While more than half of the limit is left, a request need not wait for its count: it is made known behind it."""

    def __init__(self, shared: SharedCount, tenant_id: UUID, most: int) -> None:
        self._shared = shared
        self._tenant_id = tenant_id
        self._most = most
        self._known: Count | None = None
        self._known_until = 0.0
        # Let pass here, and in no answer of Valkey yet.
        self._uncounted = 0
        self._counting: asyncio.Task[None] | None = None

    async def take(self) -> Count:
        known = self._known
        if known is None or time.monotonic() > self._known_until or not self._is_far(known):
            return self._learn(await self._shared.add(self._tenant_id, 1, is_decided=False))
        self._uncounted += 1
        if self._counting is None:
            self._counting = asyncio.get_running_loop().create_task(self._count(), name="rate-limit-count")
        return known._replace(remaining=known.remaining - self._uncounted)

    def give_up(self) -> int:
        """How many were let pass and will not be counted in Valkey: it is away."""
        if self._counting is not None:
            return 0
        given_up, self._uncounted = self._uncounted, 0
        return given_up

    def _is_far(self, known: Count) -> bool:
        return known.remaining - self._uncounted > self._most // 2

    async def _count(self) -> None:
        try:
            while self._uncounted:
                requests = min(self._uncounted, NAMES_MAX)
                count = await self._shared.add(self._tenant_id, requests, is_decided=True)
                self._uncounted -= requests
                self._learn(count)
        except StreamsUnavailable:
            # The next request waits for Valkey, and they are counted in this process when it stays away.
            self._known = None
        finally:
            self._counting = None

    def _learn(self, count: Count) -> Count:
        self._known, self._known_until = count, time.monotonic() + BELIEVED_SECONDS
        return count
