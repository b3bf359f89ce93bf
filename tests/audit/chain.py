"""What tests of the audit log's chain share: entries, and what the owner's role finds wrong with them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from neo.audit import Actor, AuditEntry, AuditFault, AuditStore, faults
from support.rows import Rows

CHAIN = text("SELECT sequence, previous_hash, hash FROM audit_log ORDER BY sequence")


class Undone(Exception):
    """Rolls a test's damage back."""


@dataclass(frozen=True)
class Chain:
    rows: Rows
    tenant_id: UUID

    async def add(self, action: str = "agent.updated", **said: Any) -> None:
        async with self.rows.database.transaction(self.tenant_id) as db:
            await self.add_within(db, action, **said)

    async def add_within(
        self, db: AsyncSession, action: str = "agent.updated", *, about: object = "1", **said: Any
    ) -> None:
        actor = Actor("service_account", uuid4(), self.tenant_id, uuid4())
        kind = "technician" if isinstance(about, UUID) else "agent"
        await AuditStore(db, self.tenant_id).add(actor, action, kind, about, **said)

    async def entries(self) -> list[AuditEntry]:
        """Oldest first."""
        async with self.rows.database.transaction(self.tenant_id) as db:
            return [*reversed(await AuditStore(db, self.tenant_id).newest(100, before=None))]

    async def hashes(self) -> Sequence[Any]:
        async with self.rows.database.transaction(self.tenant_id) as db:
            return (await db.execute(CHAIN)).all()

    async def faults(self) -> Sequence[AuditFault]:
        return await faults(self.rows.owner, self.tenant_id)

    @asynccontextmanager
    async def damaged(self, *statements: str) -> AsyncIterator[AsyncSession]:
        """A transaction in which the owner's role has done this by hand; it is rolled back."""
        with suppress(Undone):
            async with self.rows.owner.transaction(self.tenant_id) as db:
                for statement in statements:
                    await db.execute(text(statement))
                yield db
                raise Undone
