"""The roster for those who keep it: list, read, add, change, remove. Each change is recorded."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from neo.access import (
    MINTING_ROLES,
    NO_ROW_BOUNDS,
    Principal,
    Right,
    Role,
    RowBounds,
    changing,
    check_room,
    hold_right,
)
from neo.audit import Actor, AuditStore
from neo.db import Database, call_within
from neo.people.errors import TechnicianExists
from neo.people.models import Technician
from neo.people.store import TechnicianStore


class Roster:
    """A change of a role or of an Admin needs `Right.GOVERN`, which no API key has. Whoever loses the right to mint
    session tokens loses those that they minted, for good.
    """

    def __init__(self, database: Database, bounds: RowBounds = NO_ROW_BOUNDS) -> None:
        self._database = database
        self._bounds = bounds

    async def newest(
        self, tenant_id: UUID, rows_max: int, *, before: tuple[datetime, UUID] | None
    ) -> Sequence[Technician]:
        async with self._database.transaction(tenant_id) as db:
            return await TechnicianStore(db, tenant_id).newest(rows_max, before=before)

    async def get(self, tenant_id: UUID, user_id: UUID) -> Technician:
        async with self._database.transaction(tenant_id) as db:
            return await TechnicianStore(db, tenant_id).get(user_id)

    async def add(self, caller: Principal, user_id: UUID, values: dict[str, Any]) -> Technician:
        right = Right.GOVERN if values["role"] == Role.ADMIN else Right.MANAGE_TENANT
        async with changing(self._database, caller, right) as db:
            everybody = TechnicianStore(db, caller.tenant_id).all()
            await check_room(db, caller, everybody, self._bounds.technicians, "technicians")
            return await _add(db, caller.tenant_id, caller.actor, user_id, values)

    async def change(self, caller: Principal, user_id: UUID, wanted: dict[str, Any]) -> Technician:
        """Change only the named fields."""
        async with self._database.transaction(caller.tenant_id) as db:
            technicians = TechnicianStore(db, caller.tenant_id)
            await technicians.lock_admins()
            await hold_right(db, caller, Right.MANAGE_TENANT)
            found = await technicians.lock(user_id)
            changes = _differing(found, wanted)
            if "role" in changes or ("is_active" in changes and found.role == Role.ADMIN):
                await hold_right(db, caller, Right.GOVERN)
            return await _change(db, caller.tenant_id, caller.actor, found, changes)

    async def remove(self, caller: Principal, user_id: UUID) -> None:
        async with self._database.transaction(caller.tenant_id) as db:
            technicians = TechnicianStore(db, caller.tenant_id)
            await technicians.lock_admins()
            await hold_right(db, caller, Right.GOVERN)
            found = await technicians.lock(user_id)
            if _is_active_admin(found):
                await technicians.check_not_last(user_id)
            await technicians.remove(user_id)
            ended = await _revoke_minted(db, caller.tenant_id, user_id)
            details = {"role": found.role, **ended}
            await _record(db, caller.tenant_id, caller.actor, "technician.removed", user_id, **details)

    async def put(self, tenant_id: UUID, user_id: UUID, values: dict[str, Any]) -> Technician:
        """For the operator's command line: add somebody or change their role, so that there is a first Admin."""
        actor = Actor.operator(tenant_id)
        async with self._database.transaction(tenant_id) as db:
            technicians = TechnicianStore(db, tenant_id)
            await technicians.lock_admins()
            try:
                return await _add(db, tenant_id, actor, user_id, values)
            except TechnicianExists:
                found = await technicians.lock(user_id)
                wanted = {**values, "is_active": True}
                return await _change(db, tenant_id, actor, found, _differing(found, wanted))


async def _add(
    db: AsyncSession, tenant_id: UUID, actor: Actor, user_id: UUID, values: dict[str, Any]
) -> Technician:
    added = await TechnicianStore(db, tenant_id).add(user_id, values)
    await _record(db, tenant_id, actor, "technician.added", user_id, role=added.role)
    return added


async def _change(
    db: AsyncSession, tenant_id: UUID, actor: Actor, found: Technician, changes: dict[str, Any]
) -> Technician:
    if not changes:
        return found
    technicians = TechnicianStore(db, tenant_id)
    if _is_active_admin(found) and ("role" in changes or "is_active" in changes):
        await technicians.check_not_last(found.user_id)
    details: dict[str, Any] = {name: changes[name] for name in ("role", "is_active") if name in changes}
    user_id = found.user_id
    changed = await technicians.change(user_id, changes)
    if not (changed.is_active and changed.role in MINTING_ROLES):
        details |= await _revoke_minted(db, tenant_id, user_id)
    await _record(db, tenant_id, actor, "technician.updated", user_id, fields=sorted(changes), **details)
    return changed


async def _revoke_minted(db: AsyncSession, tenant_id: UUID, user_id: UUID) -> dict[str, int]:
    """What the record says of the session tokens that end with the right to mint them."""
    [(ended,)] = await call_within(db, "neo_revoke_minted_by", tenant_id, user_id)
    return {"revoked_minted": ended} if ended else {}


def _differing(found: Technician, wanted: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in wanted.items() if value != getattr(found, name)}


def _is_active_admin(found: Technician) -> bool:
    return found.role == Role.ADMIN and found.is_active


async def _record(
    db: AsyncSession, tenant_id: UUID, actor: Actor, action: str, user_id: UUID, **details: Any
) -> None:
    await AuditStore(db, tenant_id).add(actor, action, "technician", user_id, details=details)
