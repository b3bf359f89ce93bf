"""The journeys of a turn with `neo api` and `neo worker` apart."""

import asyncio
import os
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parents[2]
RUN_SECONDS = 110
JOURNEYS = ("conversation", "cancel", "supervised")


async def test_the_journeys_pass_where_api_and_worker_are_apart() -> None:
    files = [f"tests/journeys/test_{name}.py" for name in JOURNEYS]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files),
        cwd=HERE,
        env={**os.environ, "NEO_TEST_SHAPE": "apart"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await asyncio.wait_for(process.communicate(), RUN_SECONDS)

    said = out.decode()
    assert process.returncode == 0, said
    assert int((re.search(r"(\d+) passed", said) or ["", "0"])[1]) >= 20, said
