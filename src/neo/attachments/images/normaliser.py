"""Runs `normalise.py` on one image in a cage, whatever the image does to its decoder."""

import os
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import orjson

from neo.attachments.images.header import ImageUnreadable
from neo.cage import Bounds, Cage, Overrun
from neo.kit import FairSlots

SCRIPT = Path(__file__).with_name("normalise.py")
BOUNDS = Bounds(
    # Twice the pixels of the largest image at 4 bytes, the interpreter and the library, with room.
    memory_bytes=1024 * 1024 * 1024,
    processor_seconds=20,
    wall_seconds=60,
    # Twice what a normalised image may have.
    output_bytes=8 * 1024 * 1024,
)
UNREADABLE = 65
# As many as there are processors; each may take a gigabyte.
AT_ONCE = min(4, os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class Normalised:
    """An image encoded anew from its pixels, without metadata."""

    mime: str
    width: int
    height: int
    data: bytes = field(repr=False)


class NormaliserBroke(Exception):
    """The decoder failed for a reason that says nothing about the image."""


class Normaliser:
    def __init__(self, cage: Cage) -> None:
        self._cage = cage
        self._slots = FairSlots(AT_ONCE)

    def slot(self, tenant_id: UUID) -> AbstractAsyncContextManager[None]:
        """Wait for one of the children that there may be; an image is not worth memory before its time has come."""
        return self._slots.slot(tenant_id)

    async def normalise(self, image: bytes) -> Normalised:
        """The image at most 2,048 pixels long, upright, without metadata.

        Raises `ImageUnreadable`, or `CageLacking` where it must not be decoded.
        """
        try:
            ended = await self._cage.run(SCRIPT, image, BOUNDS)
        except Overrun as overrun:
            raise ImageUnreadable(str(overrun)) from overrun
        code, out, err = ended.code, ended.out, ended.err
        if code == 0:
            result, _, data = out.partition(b"\n")
            return Normalised(data=data, **orjson.loads(result))
        # A negative code is a signal: it took more time or memory than any honest image needs.
        if code == UNREADABLE or code < 0:
            raise ImageUnreadable(err.decode("utf-8", "replace").strip()[-200:] or f"signal {-code}")
        raise NormaliserBroke(err.decode("utf-8", "replace")[-1000:])
