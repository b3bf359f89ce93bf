"""The stack of the fault tests, and the table of what held."""

from collections.abc import AsyncIterator

import pytest

from faults.stack import Stack, stack_up
from faults.world import World, new_world


@pytest.fixture(scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """Real engines and two of each process, for all fault tests."""
    async with stack_up(tmp_path_factory.mktemp("faults")) as stack:
        await stack.whole()
        yield stack


@pytest.fixture
async def world(stack: Stack, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """A tenant on a stack that is whole; at the end the checker looks at all that was seen and is left."""
    await stack.whole()
    world = await new_world(stack, lambda name, value: request.node.user_properties.append((name, value)))
    try:
        yield world
        await stack.whole()
        await world.judged()
    finally:
        await world.caller.aclose()
