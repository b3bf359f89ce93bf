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
    (FOLDER / "recipe.mjs").write_text(recipe)

    async def script(name: str, *words: str) -> Any:
        return json.loads(await said_by_node(name, *words))

    return script
