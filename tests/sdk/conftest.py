import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from support.node import installed, node

FOLDER = Path(__file__).parent / "npm"
DOCS = Path(__file__).parents[2] / "docs" / "api.md"
NODE_SECONDS = 60
PACKAGE = "ai"
# As `package.json` names them: the first, and the newest of both major versions.
VERSIONS = ("ai-6.0.0", "ai-6", "ai-7")

Run = Callable[..., Awaitable[Any]]


async def said_by_node(*words: str) -> str:
    process = await node(FOLDER, *words)
    out, _ = await asyncio.wait_for(process.communicate(), NODE_SECONDS)
    assert process.returncode == 0, out.decode()[-4000:]
    return out.decode()


@pytest.fixture(scope="session")
async def run() -> Run:
    """Runs one of the scripts in Node, with the real packages, and the transport as the docs have it."""
    await installed(FOLDER)
    [recipe] = re.findall(r"```js\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert f'"{PACKAGE}"' in recipe
    for version in VERSIONS:
        (FOLDER / f"recipe-{version}.mjs").write_text(recipe.replace(f'"{PACKAGE}"', f'"{version}"'))

    async def script(name: str, *words: str) -> Any:
        return json.loads(await said_by_node(name, *words))

    return script
