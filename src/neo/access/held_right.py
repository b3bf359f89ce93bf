"""A right that is used in a transaction is read in it, and cannot be taken away until the transaction ends."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from neo.access.errors import CredentialLapsed, TechnicianInactive, TenantSuspended
from neo.access.principal import Principal, Role
from neo.access.rights import Right, check_right
from neo.audit import Actor
from neo.db import Database, call_within


@dataclass(frozen=True)
class Operator:
    """Whoever runs the server, at its command line: whose right is to have the database at hand."""

    tenant_id: UUID

    @property
    def actor(self) -> Actor:
        return Actor.operator(self.tenant_id)


@asynccontextmanager
async def changing(
    database: Database, caller: Principal | Operator, right: Right
) -> AsyncIterator[AsyncSession]:
    """A transaction of the caller's tenant that holds the caller's right to change it."""
    async with database.transaction(caller.tenant_id) as db:
        await hold_right(db, caller, right)
        yield db


async def hold_right(db: AsyncSession, caller: Principal | Operator, right: Right) -> None:
    """Refuse a caller who has lost the right since they were let in, and lock the row that gives it.

    A transaction that also locks the roster does that first: two Admins who each hold their own row would wait for
    each other's.
    """
    if isinstance(caller, Operator):
        return
    credential = caller.credential
    [found] = await call_within(
        db, "neo_hold_credential", credential.kind.value, caller.home_tenant_id, credential.id
    )
    if found["is_suspended"]:
        raise TenantSuspended("This tenant is suspended: ask the operator.")
    if caller.role is None:
        if not found["is_live"]:
            raise CredentialLapsed("The API key is unknown, expired or revoked.")
        check_right(caller, right)
        return
    if not found["is_live"]:
        raise TechnicianInactive("Your access was taken away: ask an Admin of your organisation.")
    check_right(replace(caller, role=Role(found["role"])), right)
