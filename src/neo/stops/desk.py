"""What a tenant does with its stops; each change is recorded with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from neo.access import Principal, Right, changing, check_room
from neo.audit import AuditStore
from neo.db import Database
from neo.stops.models import StopScope, ToolStop
from neo.stops.store import CallInFlight, StopStore
from neo.stops.target import Target, found_target

# More than anybody looks after: whoever wants to stop so much stops the tenant, which is always possible.
STOPS_MAX = 1_000
# As many as are looked into by hand.
IN_FLIGHT_MAX = 200


@dataclass(frozen=True, slots=True)
class SetStop:
    stop: ToolStop
    in_flight: Sequence[CallInFlight]
    in_flight_total: int


class StopDesk:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, caller: Principal, wanted: Target, *, writes_only: bool) -> SetStop:
        """No call of it is dispatched once this has returned."""
        async with changing(self._database, caller, Right.MANAGE_TOOLS) as db:
            target = await found_target(db, caller.tenant_id, wanted)
            store = StopStore(db, caller.tenant_id)
            await store.hold()
            stop = await store.find(target)
            if stop is None or stop.writes_only != writes_only:
                stop = await self._put(db, caller, stop, target, writes_only=writes_only)
            return SetStop(stop, *await store.in_flight(stop, IN_FLIGHT_MAX))

    async def newest(
        self, caller: Principal, rows_max: int, *, before: tuple[datetime, UUID] | None
    ) -> Sequence[ToolStop]:
        async with self._database.transaction(caller.tenant_id) as db:
            return await StopStore(db, caller.tenant_id).newest(rows_max, before=before)

    async def lift(self, caller: Principal, stop_id: UUID) -> None:
        async with changing(self._database, caller, Right.MANAGE_TOOLS) as db:
            stop = await StopStore(db, caller.tenant_id).delete(stop_id)
            await _record(db, caller, "tool_stop.lifted", stop)

    async def _put(
        self,
        db: AsyncSession,
        caller: Principal,
        stop: ToolStop | None,
        target: Target,
        *,
        writes_only: bool,
    ) -> ToolStop:
        store = StopStore(db, caller.tenant_id)
        if stop is not None:
            changed = await store.change(stop, writes_only=writes_only, actor=caller.actor)
        else:
            if target.scope is not StopScope.TENANT:
                await check_room(db, caller, store.all(), STOPS_MAX, "tool stops")
            changed = await store.add(target, writes_only=writes_only, actor=caller.actor)
        await _record(db, caller, "tool_stop.set", changed)
        return changed


async def _record(db: AsyncSession, caller: Principal, action: str, stop: ToolStop) -> None:
    details: dict[str, Any] = {"scope": stop.scope, "scope_id": stop.scope_id}
    details |= {"tool": stop.tool} if stop.tool else {}
    await AuditStore(db, caller.tenant_id).add(
        caller.actor, action, "tool_stop", stop.id, details={**details, "writes_only": stop.writes_only}
    )
