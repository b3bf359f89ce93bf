"""A session and its newest turn at a glance: what a tail begins with, and what it looks at again."""

import asyncio
from typing import cast
from uuid import UUID

from asyncpg import Record

from neo.access import Principal
from neo.db import Database, DatabaseUnavailable
from neo.kit import Batcher
from neo.sessions import SessionNotFound, check_readable
from neo.tails.turn_status import TurnState
from neo.turns.models import TurnStatus

# Looked at by one call.
SESSIONS_MAX = 1_000

# A tenant and its session.
Asked = tuple[UUID, UUID]


class Glance:
    """How a session stood. Of its columns it has those that say who may see it and how."""

    __slots__ = ("_row",)

    def __init__(self, row: Record) -> None:
        self._row = row

    @property
    def id(self) -> UUID:
        return cast("UUID", self._row["id"])

    @property
    def account_id(self) -> UUID:
        return cast("UUID", self._row["account_id"])

    @property
    def actor_tenant_id(self) -> UUID | None:
        return cast("UUID | None", self._row["actor_tenant_id"])

    @property
    def channel(self) -> str:
        return str(self._row["channel"])

    @property
    def shows_progress(self) -> bool:
        return self._row["show_agent_progress_steps"] is not False

    @property
    def newest(self) -> TurnState | None:
        row = self._row
        if row["turn_no"] is None:
            return None
        return TurnState(row["turn_no"], TurnStatus(row["status"]).is_open, row["claim"], row["terminal_n"])


class Glances:
    """Many tails come back at once, or look at once: one call of their tenant serves them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._look = Batcher(self._looked, most=SESSIONS_MAX, name="glances", silence=DatabaseUnavailable)

    async def of(self, tenant_id: UUID, session_id: UUID) -> Glance | None:
        """None where the tenant has no such session."""
        return await self._look((tenant_id, session_id))

    async def opening(self, caller: Principal, session_id: UUID) -> Glance:
        """A session and its newest turn, whether open or not: what a tail begins with."""
        glance = await self.of(caller.tenant_id, session_id)
        if glance is None:
            raise SessionNotFound("No such chat session.")
        check_readable(caller, glance)
        return glance

    async def _looked(self, asked: list[Asked]) -> list[Glance | None]:
        sessions: dict[UUID, list[UUID]] = {}
        for tenant_id, session_id in asked:
            sessions.setdefault(tenant_id, []).append(session_id)
        looks = (self._of_tenant(tenant_id, session_ids) for tenant_id, session_ids in sessions.items())
        # By tenant too: who asks for another's session gets nothing, also when its owner asks at the same time.
        found = {one: glance for look in await asyncio.gather(*looks) for one, glance in look}
        return [found.get(one) for one in asked]

    async def _of_tenant(self, tenant_id: UUID, session_ids: list[UUID]) -> list[tuple[Asked, Glance]]:
        rows = await self._database.call("neo_glance", tenant_id, session_ids)
        return [((tenant_id, row["id"]), Glance(row)) for row in rows]
