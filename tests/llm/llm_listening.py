"""What the tests of the models say and hear."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from neo.llm import Completed, Models, Piece, Prompt, TextDelta

EVENTUALLY_SECONDS_MAX = 5.0
LOOK_EVERY_SECONDS = 0.01


@dataclass
class Heard:
    pieces: list[Piece] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces if isinstance(piece, TextDelta))

    @property
    def completed(self) -> Completed:
        last = self.pieces[-1]
        assert isinstance(last, Completed)
        assert not any(isinstance(piece, Completed) for piece in self.pieces[:-1])
        return last


class Ask(Protocol):
    async def __call__(
        self,
        model: str,
        prompt: Prompt | None = None,
        *,
        previous_response_id: str | None = None,
        into: Heard | None = None,
        through: Models | None = None,
        reasoning_effort: str | None = None,
    ) -> Heard: ...


Calls = Callable[[str], Awaitable[list[dict[str, Any]]]]


async def eventually(holds: Callable[[], Awaitable[bool]]) -> bool:
    for _ in range(int(EVENTUALLY_SECONDS_MAX / LOOK_EVERY_SECONDS)):
        if await holds():
            return True
        await asyncio.sleep(LOOK_EVERY_SECONDS)
    return False
