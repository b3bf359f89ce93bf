import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from neo.audit.models import AuditEntry
from neo.db import call_within


@dataclass(frozen=True)
class Actor:
    """Who did it, and with which credential. The operator's commands have no id."""

    kind: str
    id: UUID | None
    tenant_id: UUID
    credential_id: UUID | None = None

    @classmethod
    def operator(cls, tenant_id: UUID) -> "Actor":
        """Whoever runs the server, at its command line."""
        return cls("operator", None, tenant_id)


class AuditStore:
    """Entries are written in the transaction of what they record, so that both are there or neither."""

    def __init__(self, db: AsyncSession, tenant_id: UUID) -> None:
        self._db = db
        self._tenant_id = tenant_id

    async def add(
        self,
        actor: Actor,
        action: str,
        object_kind: str,
        object_id: object,
        *,
        end_user: str | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        values = (self._tenant_id, actor.kind, actor.id, actor.tenant_id, actor.credential_id)
        done = (action, object_kind, str(object_id), _request_id(), end_user, json.dumps(details or {}))
        await call_within(self._db, "neo_add_audit_entry", *values, *done)

    async def newest(
        self, rows_max: int, *, before: int | None, **exactly: str | None
    ) -> Sequence[AuditEntry]:
        """Entries, newest first; `exactly` maps columns to the value that they must have, None for any."""
        asked = {column: value for column, value in exactly.items() if value is not None}
        chained = (AuditEntry.tenant_id == self._tenant_id, AuditEntry.sequence.is_not(None))
        wanted = select(AuditEntry).where(*chained).filter_by(**asked)
        if before is not None:
            wanted = wanted.where(AuditEntry.sequence < before)
        return (await self._db.scalars(wanted.order_by(AuditEntry.sequence.desc()).limit(rows_max))).all()


def _request_id() -> UUID | None:
    found = structlog.contextvars.get_contextvars().get("request_id")
    return UUID(found) if found else None
