"""The journeys run against a server that they did not start."""

import asyncio
import os
import re
import sys
from pathlib import Path

from support.server import Server

HERE = Path(__file__).resolve().parents[2]
RUN_SECONDS = 100


async def test_the_journeys_pass_against_a_given_server(server: Server) -> None:
    process = await asyncio.create_subprocess_exec(
        *(
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-k",
            "answered or repeated or reader",
            "tests/journeys/test_conversation.py",
        ),
        cwd=HERE,
        env={**os.environ, "NEO_TEST_URL": server.url, "NEO_TEST_API_KEY": server.api_key},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await asyncio.wait_for(process.communicate(), RUN_SECONDS)

    said = out.decode()
    assert process.returncode == 0, said
    assert int((re.search(r"(\d+) passed", said) or ["", "0"])[1]) >= 2, said
    assert "skipped" in said
