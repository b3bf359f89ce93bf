from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from neo.connections.rows.errors import ConnectionNameTaken, ConnectionNotFound
from neo.connections.rows.models import Connection, Health

UNIQUE_VIOLATION = "23505"


class ConnectionStore:
    def __init__(self, db: AsyncSession, tenant_id: UUID) -> None:
        self._db = db
        self._tenant_id = tenant_id

    async def get(self, connection_id: UUID) -> Connection:
        return await self._one(self._owned().where(Connection.id == connection_id))

    async def lock(self, connection_id: UUID) -> Connection:
        """The connection with its row locked, to change it or what belongs to it."""
        return await self._one(self._owned().where(Connection.id == connection_id).with_for_update())

    async def of(self, connection_ids: Sequence[UUID]) -> dict[UUID, Connection]:
        """Those that are there, by id."""
        found = await self._db.scalars(self._owned().where(Connection.id.in_(connection_ids)))
        return {connection.id: connection for connection in found}

    async def page(self, rows_max: int, *, after: str | None) -> Sequence[Connection]:
        wanted = self._owned().order_by(Connection.name).limit(rows_max)
        if after is not None:
            wanted = wanted.where(Connection.name > after)
        return (await self._db.scalars(wanted)).all()

    def all(self) -> Select[Connection]:
        return self._owned()

    async def create(self, values: Mapping[str, Any]) -> Connection:
        added = insert(Connection).values(tenant_id=self._tenant_id, **values).returning(Connection)
        return await self._written(added)

    async def change(self, connection: Connection, changes: Mapping[str, Any]) -> Connection:
        """What people change. A check that began before is not stored any more."""
        values = {**changes, "version": Connection.version + 1, "updated_at": func.now()}
        return await self._written(self._update(connection.id, values))

    async def note(self, connection_id: UUID, values: Mapping[str, Any]) -> None:
        """What a check has found."""
        await self._db.execute(self._update(connection_id, values))

    async def note_refused(self, connection_id: UUID, message: str) -> None:
        """That the server did not accept what Neo signed in with, in the midst of calls."""
        values = {
            "health": Health.NEEDS_AUTH,
            "last_error_at": func.now(),
            "last_error_code": "connection_needs_auth",
            "last_error_message": message,
        }
        changed = update(Connection).where(
            Connection.tenant_id == self._tenant_id,
            Connection.id == connection_id,
            Connection.health != Health.NEEDS_AUTH,
        )
        await self._db.execute(changed.values(values))

    async def delete(self, connection_id: UUID) -> None:
        mine = (Connection.tenant_id == self._tenant_id) & (Connection.id == connection_id)
        await self._db.execute(delete(Connection).where(mine))

    async def _one(self, wanted: Select[Connection]) -> Connection:
        found = await self._db.scalar(wanted, execution_options={"populate_existing": True})
        if found is None:
            raise ConnectionNotFound("No such connection.")
        return found

    def _update(self, connection_id: UUID, values: Mapping[str, Any]) -> Any:
        mine = (Connection.tenant_id == self._tenant_id) & (Connection.id == connection_id)
        return update(Connection).where(mine).values(values).returning(Connection)

    async def _written(self, statement: Any) -> Connection:
        try:
            found = await self._db.scalars(statement, execution_options={"populate_existing": True})
            connection: Connection = found.one()
        except IntegrityError as error:
            if getattr(error.orig, "sqlstate", None) != UNIQUE_VIOLATION:
                raise
            raise ConnectionNameTaken("There is a connection of this name already.") from error
        return connection

    def _owned(self) -> Select[Connection]:
        return select(Connection).where(Connection.tenant_id == self._tenant_id)
