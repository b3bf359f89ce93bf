"""Runs `normalise.py` on one image in a limited child process, whatever the image does to its decoder."""

import asyncio
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from neo.attachments.images.header import ImageUnreadable

SCRIPT = Path(__file__).with_name("normalise.py")
# Wall-clock time: more than the processor time that the child may take, for a busy machine.
WALL_SECONDS = 60
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
    """The child process failed for a reason that says nothing about the image."""


class Normaliser:
    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def normalise(self, image: bytes) -> Normalised:
        """The image at most 2,048 pixels long, upright, without metadata; raises `ImageUnreadable`."""
        async with self._slots:
            code, out, err = await _run(image)
        if code == 0:
            result, _, data = out.partition(b"\n")
            return Normalised(data=data, **orjson.loads(result))
        # A negative code is a signal: it took more time or memory than any honest image needs.
        if code == UNREADABLE or code < 0:
            raise ImageUnreadable(err.decode("utf-8", "replace").strip()[-200:] or f"signal {-code}")
        raise NormaliserBroke(err.decode("utf-8", "replace")[-1000:])


async def _run(image: bytes) -> tuple[int, bytes, bytes]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        str(SCRIPT),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        # The child gets no environment: a decoder that was taken over must find no secret of ours.
        env={},
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(image), WALL_SECONDS)
    except TimeoutError as late:
        raise ImageUnreadable("it took too long") from late
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, out, err
