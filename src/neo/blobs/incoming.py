"""Bytes on their way into a folder: whoever reads finds all of them under their path, or none."""

import asyncio
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

FOLDER = ".incoming"
FOLDER_MODE = 0o700


class Incoming:
    """What is not kept is discarded."""

    def __init__(self, folder: Path, path: str) -> None:
        self._partial = folder / FOLDER / uuid4().hex
        self._partial.parent.mkdir(mode=FOLDER_MODE, exist_ok=True)
        self._target = folder / path
        # Its lock keeps a file that is being closed from a write that is still under way.
        self._file = self._partial.open("xb")

    async def write(self, data: bytes) -> None:
        await asyncio.to_thread(self._file.write, data)

    async def keep(self) -> None:
        """Put them under their path, in place of what is there."""
        await asyncio.to_thread(self._keep)

    async def discard(self) -> None:
        await asyncio.to_thread(self._discard)

    def _keep(self) -> None:
        self._file.close()
        self._target.parent.mkdir(parents=True, exist_ok=True)
        self._partial.replace(self._target)

    def _discard(self) -> None:
        # What is left to write may find no room.
        with suppress(OSError):
            self._file.close()
        self._partial.unlink(missing_ok=True)


def discard_leftovers(folder: Path, older_than: timedelta) -> None:
    """Of processes that were killed while bytes came in."""
    for partial in (folder / FOLDER).glob("*"):
        with suppress(FileNotFoundError):
            if time.time() - partial.stat().st_mtime > older_than.total_seconds():
                partial.unlink()
