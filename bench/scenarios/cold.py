"""`neo serve` to healthy, with its parts, and the memory of each at rest."""

import asyncio
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from bench.figures import Figure, one
from bench.neo import Neo, fresh_folder, neo_running
from bench.parts import by_part

TITLE = "from nothing to healthy, and at rest"
FRESH_STARTS = 3
STARTS = 5
# After it is healthy the libraries of the models are still imported.
REST_SECONDS = 5.0


async def run(_neo: Neo) -> list[Figure]:
    # All are deleted at the end: ext4 looks long for room beside files that were deleted a moment ago.
    with ExitStack() as stack:
        fresh = [(await _start(stack.enter_context(fresh_folder())))[0] for _ in range(FRESH_STARTS)]
        used, memory = await _on_used_folder(stack.enter_context(fresh_folder()))
    return [
        Figure("healthy, on a fresh folder", "s", [neo.healthy_seconds for neo in fresh]),
        *_each_part([neo.up_seconds for neo in fresh]),
        Figure("healthy, on a used folder", "s", [neo.healthy_seconds for neo in used]),
        *_each_part([neo.up_seconds for neo in used]),
        one("memory (PSS) at rest", "MiB", sum(memory.values()), by_part(memory)),
    ]


async def _on_used_folder(data: Path) -> tuple[list[Neo], Mapping[str, float]]:
    await _start(data)
    starts = [await _start(data, rest_seconds=REST_SECONDS * (at == 0)) for at in range(STARTS)]
    return [neo for neo, _ in starts], starts[0][1]


async def _start(data: Path, *, rest_seconds: float = 0.0) -> tuple[Neo, Mapping[str, float]]:
    async with neo_running(data) as neo:
        await asyncio.sleep(rest_seconds)
        return neo, neo.parts.memory_mib()


def _each_part(starts: list[dict[str, float]]) -> list[Figure]:
    return [
        Figure(f"- {part}", "s", [start[part] for start in starts if part in start]) for part in starts[0]
    ]
