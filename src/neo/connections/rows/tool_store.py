"""The tools of a tenant's connections. What the server says is written by checks, pins and settings by people."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from neo.connections.rows.errors import ConnectionToolNotFound
from neo.connections.rows.models import ConnectionTool, ToolState

LISTED = ("listed", "listed_digest", "problem")
PINS = ("pinned", "pinned_digest", "pinned_at", "pinned_by")
SETTINGS = (
    "effect", "gate", "gate_when", "tier", "timeout_seconds", "probe_tool", "keyed_by", "key_argument"
)  # fmt: skip


class ToolStore:
    def __init__(self, db: AsyncSession, tenant_id: UUID) -> None:
        self._db = db
        self._tenant_id = tenant_id

    async def all(self, connection_id: UUID) -> Sequence[ConnectionTool]:
        wanted = self._owned().where(ConnectionTool.connection_id == connection_id)
        found = await self._db.scalars(
            wanted.order_by(ConnectionTool.name), execution_options={"populate_existing": True}
        )
        return found.all()

    async def pinned(self, connection_ids: Sequence[UUID]) -> Sequence[ConnectionTool]:
        """Those that may be offered, in an order that is always the same."""
        wanted = self._owned().where(
            ConnectionTool.connection_id.in_(connection_ids), ConnectionTool.state == ToolState.PINNED
        )
        ordered = wanted.order_by(ConnectionTool.connection_id, ConnectionTool.name)
        return (await self._db.scalars(ordered)).all()

    async def counts(self, connection_ids: Sequence[UUID]) -> dict[UUID, dict[str, int]]:
        """How many tools of each state each connection has."""
        found: dict[UUID, dict[str, int]] = {one: {} for one in connection_ids}
        mine = and_(
            ConnectionTool.tenant_id == self._tenant_id, ConnectionTool.connection_id.in_(connection_ids)
        )
        counted = select(ConnectionTool.connection_id, ConnectionTool.state, func.count()).where(mine)
        grouped = counted.group_by(ConnectionTool.connection_id, ConnectionTool.state)
        for connection_id, state, count in await self._db.execute(grouped):
            found[connection_id][state] = count
        return found

    async def get(self, connection_id: UUID, name: str) -> ConnectionTool:
        wanted = self._owned().where(
            ConnectionTool.connection_id == connection_id, ConnectionTool.name == name
        )
        found = await self._db.scalar(wanted)
        if found is None:
            raise ConnectionToolNotFound("The connection has no such tool.")
        return found

    async def note_listed(self, connection_id: UUID, listed: Sequence[Mapping[str, Any]]) -> None:
        """Store what the server says of these; each mapping has a `name` and the columns of `LISTED`."""
        if not listed:
            return
        of = {"tenant_id": self._tenant_id, "connection_id": connection_id}
        added = insert(ConnectionTool).values([{**of, **one} for one in listed])
        told = {column: added.excluded[column] for column in LISTED}
        await self._db.execute(
            added.on_conflict_do_update(
                index_elements=["connection_id", "name"], set_={**told, "updated_at": func.now()}
            )
        )

    async def note_gone(self, connection_id: UUID, names: Sequence[str]) -> None:
        """Tools that the server does not list any more: what was never pinned is forgotten."""
        mine = self._of(connection_id, names)
        await self._db.execute(delete(ConnectionTool).where(mine, ConnectionTool.pinned_digest.is_(None)))
        gone = dict.fromkeys(LISTED)
        await self._db.execute(update(ConnectionTool).where(mine).values({**gone, "updated_at": func.now()}))

    async def pin(self, connection_id: UUID, names: Sequence[str], pinned_by: UUID) -> None:
        """Say yes to what the server says of these now. One that is gone is forgotten."""
        mine = self._of(connection_id, names)
        is_gone = ConnectionTool.state == ToolState.GONE
        await self._db.execute(delete(ConnectionTool).where(mine, is_gone))
        values = {
            "pinned": ConnectionTool.listed,
            "pinned_digest": ConnectionTool.listed_digest,
            "pinned_at": func.now(),
            "pinned_by": pinned_by,
            "updated_at": func.now(),
        }
        is_other = ConnectionTool.state != ToolState.PINNED
        await self._db.execute(update(ConnectionTool).where(mine, is_other).values(values))

    async def change(self, connection_id: UUID, name: str, changes: Mapping[str, Any]) -> None:
        values = {**changes, "updated_at": func.now()}
        await self._db.execute(update(ConnectionTool).where(self._of(connection_id, [name])).values(values))

    async def unpin_all(self, connection_id: UUID) -> int:
        """Take back every yes, and what was set with it; the tools stay as they are listed. Returns how many."""
        mine = and_(
            ConnectionTool.tenant_id == self._tenant_id, ConnectionTool.connection_id == connection_id
        )
        await self._db.execute(delete(ConnectionTool).where(mine, ConnectionTool.listed_digest.is_(None)))
        values = {**dict.fromkeys(PINS + SETTINGS), "updated_at": func.now()}
        unpinned = update(ConnectionTool).where(mine).values(values).returning(ConnectionTool.name)
        return len((await self._db.scalars(unpinned)).all())

    async def delete_all(self, connection_id: UUID) -> int:
        mine = and_(
            ConnectionTool.tenant_id == self._tenant_id, ConnectionTool.connection_id == connection_id
        )
        gone = await self._db.scalars(delete(ConnectionTool).where(mine).returning(ConnectionTool.name))
        return len(gone.all())

    def _of(self, connection_id: UUID, names: Sequence[str]) -> ColumnElement[bool]:
        return and_(
            ConnectionTool.tenant_id == self._tenant_id,
            ConnectionTool.connection_id == connection_id,
            ConnectionTool.name.in_(names),
        )

    def _owned(self) -> Select[ConnectionTool]:
        return select(ConnectionTool).where(ConnectionTool.tenant_id == self._tenant_id)
