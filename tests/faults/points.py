"""Arms the failpoints of the stack's processes (`neo/kit/failpoint.py`)."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Literal

TAKEN_SECONDS = 20


class Points:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def arm(self, point: str, action: Literal["exit", "wait", "raise"]) -> None:
        """Whoever reaches this point next does so, once."""
        self._taken(point).unlink(missing_ok=True)
        # Written elsewhere and moved: nobody reads half a word.
        draft = self.folder / f"{point}.draft"
        draft.write_text(action)
        draft.rename(self.folder / point)

    async def arm_the(self, number: int, point: str, action: Literal["exit", "wait", "raise"]) -> None:
        """Whoever reaches this point for the `number`th time from now on does so: before that it waits for a moment."""
        for _ in range(number - 1):
            self.arm(point, "wait")
            await self.taken(point)
        self.arm(point, action)

    async def taken(self, point: str) -> None:
        """Wait until a process has reached it."""
        async with asyncio.timeout(TAKEN_SECONDS):
            while not self._taken(point).exists():
                await asyncio.sleep(0.01)

    def release(self, point: str) -> None:
        """Let whoever waits there go on."""
        self._taken(point).unlink()

    def clear(self) -> None:
        for file in self.folder.iterdir():
            with suppress(FileNotFoundError):
                file.unlink()

    def _taken(self, point: str) -> Path:
        return self.folder / f"{point}.taken"
