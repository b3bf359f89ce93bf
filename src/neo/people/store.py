from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from neo.access import Role
from neo.people.errors import LastAdmin, TechnicianExists, TechnicianNotFound
from neo.people.models import Technician


class TechnicianStore:
    def __init__(self, db: AsyncSession, tenant_id: UUID) -> None:
        self._db = db
        self._tenant_id = tenant_id

    async def get(self, user_id: UUID) -> Technician:
        return await self._one(self._owned().where(Technician.user_id == user_id))

    async def lock(self, user_id: UUID) -> Technician:
        """The technician with their row locked, to change them."""
        return await self._one(self._owned().where(Technician.user_id == user_id).with_for_update())

    async def newest(self, rows_max: int, *, before: tuple[datetime, UUID] | None) -> Sequence[Technician]:
        wanted = self._owned()
        if before is not None:
            wanted = wanted.where(tuple_(Technician.created_at, Technician.user_id) < before)
        newest = wanted.order_by(Technician.created_at.desc(), Technician.user_id.desc()).limit(rows_max)
        return (await self._db.scalars(newest)).all()

    def all(self) -> Select[Technician]:
        return self._owned()

    async def add(self, user_id: UUID, values: dict[str, Any]) -> Technician:
        row = {"tenant_id": self._tenant_id, "user_id": user_id, **values}
        added = await self._db.scalars(
            insert(Technician).values(row).on_conflict_do_nothing().returning(Technician)
        )
        found = added.one_or_none()
        if found is None:
            raise TechnicianExists("This user is in the roster already: change them instead.")
        return found

    async def change(self, user_id: UUID, changes: dict[str, Any]) -> Technician:
        changed = await self._db.scalars(
            update(Technician)
            .where(self._is(user_id))
            .values({**changes, "updated_at": func.now()})
            .returning(Technician),
            execution_options={"populate_existing": True},
        )
        return changed.one()

    async def remove(self, user_id: UUID) -> None:
        await self._db.execute(delete(Technician).where(self._is(user_id)))

    async def lock_admins(self) -> None:
        """Lock all active Admins in one order, so that two Admins cannot take each other's role away at once."""
        await self._db.execute(self._active_admins().order_by(Technician.user_id).with_for_update())

    async def check_not_last(self, user_id: UUID) -> None:
        """Refuse to lose this Admin when there is no other; call `lock_admins` first."""
        others = self._active_admins().where(Technician.user_id != user_id).limit(1)
        if (await self._db.execute(others)).first() is None:
            raise LastAdmin("This is the last active Admin: give somebody else the role first.")

    async def _one(self, wanted: Select[Technician]) -> Technician:
        found = await self._db.scalar(wanted)
        if found is None:
            raise TechnicianNotFound("No such technician in your tenant.")
        return found

    def _active_admins(self) -> Select[Technician]:
        return self._owned().where(Technician.role == Role.ADMIN, Technician.is_active)

    def _owned(self) -> Select[Technician]:
        return select(Technician).where(Technician.tenant_id == self._tenant_id)

    def _is(self, user_id: UUID) -> ColumnElement[bool]:
        return (Technician.tenant_id == self._tenant_id) & (Technician.user_id == user_id)
