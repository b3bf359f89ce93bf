"""`neo serve` to healthy, with its parts, and the memory of each at rest."""

import asyncio
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from bench.figures import Figure, one
from bench.neo import Neo, neo_running
from bench.parts import by_part

TITLE = "from nothing to healthy, and at rest"
STARTS = 5
# After it is healthy the libraries of the models are still imported.
REST_SECONDS = 5.0


async def run(_neo: Neo) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="neo-bench-cold-") as folder:
        data = Path(folder) / "data"
        fresh, _ = await _start(data)
        try:
            starts = [await _start(data, rest_seconds=REST_SECONDS * (at == 0)) for at in range(STARTS)]
        finally:
            shutil.rmtree(Path("/var/lib/neo") / (data / "instance").read_text().strip(), ignore_errors=True)
    memory = starts[0][1]
    return [
        one("healthy, on a fresh folder", "s", fresh.healthy_seconds, _parts(fresh.up_seconds)),
        Figure("healthy, on a used folder", "s", [neo.healthy_seconds for neo, _ in starts]),
        *_each_part([neo.up_seconds for neo, _ in starts]),
        one("memory (PSS) at rest", "MiB", sum(memory.values()), by_part(memory)),
    ]


async def _start(data: Path, *, rest_seconds: float = 0.0) -> tuple[Neo, Mapping[str, float]]:
    async with neo_running(data) as neo:
        await asyncio.sleep(rest_seconds)
        return neo, neo.parts.memory_mib()


def _each_part(starts: list[dict[str, float]]) -> list[Figure]:
    return [
        Figure(f"- {part}", "s", [start[part] for start in starts if part in start]) for part in starts[0]
    ]


def _parts(up_seconds: Mapping[str, float]) -> str:
    return ", ".join(f"{part} {seconds:.2f}" for part, seconds in up_seconds.items())
