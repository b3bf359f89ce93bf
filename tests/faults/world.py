"""One test's part of the stack: a tenant of its own, callers that write down what they see, and the last judgement."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from faults.caller import Caller
from faults.checker import problems
from faults.history import History
from faults.rest import Rest, at_rest
from faults.stack import SECRET, Stack
from neo.access import ApiKeyStore, Pepper
from neo.agents import AgentStore, create_tenant

Note = Callable[[str, Any], None]

# What is promised is promised on a machine that does nothing else. Here other tests run beside it, perhaps in the
# machine's slow minutes; the time is in the table, and what hangs takes longer than this.
SLOW_MACHINE = 4.0


class World:
    def __init__(self, stack: Stack, tenant_id: UUID, api_key: str, note: Note) -> None:
        self.stack = stack
        self.tenant_id = tenant_id
        self.api_key = api_key
        self.history = History()
        self.caller = Caller(stack.urls, api_key, self.history)
        self._note = note

    async def agent(self, model: str) -> int:
        async with self.stack.database.transaction(self.tenant_id) as db:
            return await AgentStore(db, self.tenant_id).create("Test agent", model=model)

    async def session(self, model: str, *, api: int = 0) -> str:
        return await self.caller.open(await self.agent(model), api=api)

    @contextmanager
    def recovers_within(self, seconds: float) -> Iterator[None]:
        """What is in the block is over in this time, and the time is in the table."""
        began = time.monotonic()
        yield
        self.recovered(time.monotonic() - began, seconds)

    def recovered(self, took: float, at_most: float) -> None:
        self._note("recovery_seconds", round(took, 2))
        assert took <= at_most * SLOW_MACHINE, f"took {took:.2f} s, promised {at_most} s"

    async def judged(self) -> Rest:
        """The stores at rest, after which everything that was promised must hold."""
        rest = await at_rest(self.stack, self.tenant_id)
        found = problems(self.history, rest)
        assert not found, "\n".join(found[:20])
        return rest


async def new_world(stack: Stack, note: Note) -> World:
    tenant_id = await create_tenant(stack.owner, "A tenant")
    async with stack.database.transaction(tenant_id) as db:
        _, key = await ApiKeyStore(db, tenant_id).create(
            "test", environment="local", pepper=Pepper((SECRET,))
        )
    return World(stack, tenant_id, key, note)
