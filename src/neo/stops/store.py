from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Select, delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from neo.audit import Actor
from neo.db import call_within
from neo.stops.errors import ToolStopNotFound
from neo.stops.models import ToolStop
from neo.stops.target import Target


@dataclass(frozen=True, slots=True)
class CallInFlight:
    call_id: str
    turn_id: UUID
    session_id: UUID
    connection_id: UUID
    tool_name: str
    dispatched_at: datetime


class StopStore:
    def __init__(self, db: AsyncSession, tenant_id: UUID) -> None:
        self._db = db
        self._tenant_id = tenant_id

    async def hold(self) -> None:
        """Wait for the dispatches that have begun; others wait for the transaction's end, and see what it stores."""
        key = func.neo_tool_stops_key(self._tenant_id)
        await self._db.execute(select(func.pg_advisory_xact_lock(key)))

    async def find(self, target: Target) -> ToolStop | None:
        wanted = self._owned().where(
            ToolStop.scope == target.scope,
            ToolStop.scope_id == target.scope_id,
            ToolStop.tool == target.tool,
        )
        found: ToolStop | None = await self._db.scalar(wanted)
        return found

    async def add(self, target: Target, *, writes_only: bool, actor: Actor) -> ToolStop:
        values = {
            **_said(writes_only=writes_only, actor=actor),
            "id": uuid4(),
            "tenant_id": self._tenant_id,
            "scope": target.scope,
            "scope_id": target.scope_id,
            "tool": target.tool,
        }
        return await self._written(insert(ToolStop).values(values))

    async def change(self, stop: ToolStop, *, writes_only: bool, actor: Actor) -> ToolStop:
        values = {**_said(writes_only=writes_only, actor=actor), "set_at": func.now()}
        return await self._written(update(ToolStop).where(self._is(stop.id)).values(values))

    async def delete(self, stop_id: UUID) -> ToolStop:
        deleted = delete(ToolStop).where(self._is(stop_id)).returning(ToolStop)
        found: ToolStop | None = await self._db.scalar(deleted)
        if found is None:
            raise ToolStopNotFound("No such stop.")
        return found

    async def newest(self, rows_max: int, *, before: tuple[datetime, UUID] | None) -> Sequence[ToolStop]:
        wanted = self._owned()
        if before is not None:
            wanted = wanted.where(tuple_(ToolStop.created_at, ToolStop.id) < before)
        ordered = wanted.order_by(ToolStop.created_at.desc(), ToolStop.id.desc())
        return (await self._db.scalars(ordered.limit(rows_max))).all()

    async def in_flight(self, stop: ToolStop, calls_max: int) -> tuple[Sequence[CallInFlight], int]:
        """Calls that the stop would have refused and that have left already, the newest first, and how many."""
        found = await call_within(self._db, "neo_stopped_in_flight", self._tenant_id, stop.id, calls_max)
        rows = [dict(row) for row in found]
        total = rows[0]["total"] if rows else 0
        return [CallInFlight(**{key: row[key] for key in CallInFlight.__slots__}) for row in rows], total

    def all(self) -> Select[ToolStop]:
        return self._owned()

    async def _written(self, statement: Any) -> ToolStop:
        found = await self._db.scalars(
            statement.returning(ToolStop), execution_options={"populate_existing": True}
        )
        stop: ToolStop = found.one()
        return stop

    def _is(self, stop_id: UUID) -> Any:
        return (ToolStop.tenant_id == self._tenant_id) & (ToolStop.id == stop_id)

    def _owned(self) -> Select[ToolStop]:
        return select(ToolStop).where(ToolStop.tenant_id == self._tenant_id)


def _said(*, writes_only: bool, actor: Actor) -> dict[str, Any]:
    return {"writes_only": writes_only, "set_by_kind": actor.kind, "set_by": actor.id}
