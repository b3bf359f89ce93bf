"""A person's first sign-in puts them into the roster; from then on the roster decides."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from neo.access import CallerKind, EntraPerson, Role
from neo.audit import Actor, AuditStore
from neo.db import Database
from neo.people.errors import RoleNotAssigned
from neo.people.models import Technician

HIGHEST_FIRST = (Role.ADMIN, Role.USER, Role.VIEWER)


class Enrolment:
    """`default_role` is what somebody becomes to whom their organisation has given no app role; None: nothing."""

    def __init__(self, database: Database, default_role: Role | None) -> None:
        self._database = database
        self._default_role = default_role

    async def __call__(self, tenant_id: UUID, person: EntraPerson) -> Role:
        """The highest role that the person's own organisation gave them in Entra ID, else the default one."""
        role = self._role_of(person)
        row = {
            "tenant_id": tenant_id,
            "user_id": person.oid,
            "name": person.name,
            "email": person.email,
            "role": role,
        }
        async with self._database.transaction(tenant_id) as db:
            added = await db.execute(
                insert(Technician).values(row).on_conflict_do_nothing().returning(Technician.role)
            )
            if added.first() is not None:
                actor = Actor(CallerKind.TECHNICIAN, person.oid, tenant_id)
                details = {"role": role}
                await AuditStore(db, tenant_id).add(
                    actor, "technician.enrolled", "technician", person.oid, details=details
                )
                return role
            mine = (Technician.tenant_id == tenant_id) & (Technician.user_id == person.oid)
            return Role((await db.scalars(select(Technician.role).where(mine))).one())

    def _role_of(self, person: EntraPerson) -> Role:
        # A provider's guests are often its customers, so a guest is let in by name only.
        default = None if person.is_guest else self._default_role
        role = next((role for role in HIGHEST_FIRST if role in person.app_roles), default)
        if role is None:
            raise RoleNotAssigned(
                "You have no role here: ask an Admin of your organisation to add you to the roster, or to assign you "
                "an app role in Microsoft Entra ID."
            )
        return role
