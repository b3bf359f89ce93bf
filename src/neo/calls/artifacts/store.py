from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, delete, func, insert, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from neo.access import CallerKind, Role
from neo.calls.artifacts.models import Artifact


@dataclass(frozen=True, slots=True)
class TurnAsker:
    kind: CallerKind | None
    role: Role | None


class ArtifactStore:
    def __init__(self, db: AsyncSession, tenant_id: UUID) -> None:
        self._db = db
        self._tenant_id = tenant_id

    async def add(self, *, kept: timedelta, **values: object) -> None:
        expires_at = func.now() + kept
        await self._db.execute(
            insert(Artifact).values(tenant_id=self._tenant_id, expires_at=expires_at, **values)
        )

    async def asker_of(self, turn_id: UUID) -> TurnAsker:
        """Who asked for the turn; nobody that is known in turns from before it was recorded."""
        asker = func.neo_turn_asker(self._tenant_id, turn_id).table_valued("kind", "role")
        kind, role = (await self._db.execute(select(asker.c.kind, asker.c.role))).one()
        return TurnAsker(CallerKind(kind) if kind else None, Role(role) if role else None)

    async def of_turn(
        self, turn_id: UUID, rows_max: int, *, before: tuple[datetime, UUID] | None
    ) -> Sequence[Artifact]:
        """Newest first."""
        newest = self._owned().where(Artifact.turn_id == turn_id)
        if before is not None:
            newest = newest.where(tuple_(Artifact.created_at, Artifact.id) < before)
        wanted = newest.order_by(Artifact.created_at.desc(), Artifact.id.desc()).limit(rows_max)
        return (await self._db.scalars(wanted)).all()

    async def find(self, turn_id: UUID, artifact_id: UUID) -> Artifact | None:
        wanted = self._owned().where(Artifact.turn_id == turn_id, Artifact.id == artifact_id)
        return await self._db.scalar(wanted)

    async def remove(self, artifact_id: UUID) -> None:
        mine = (Artifact.tenant_id == self._tenant_id) & (Artifact.id == artifact_id)
        await self._db.execute(delete(Artifact).where(mine))

    def _owned(self) -> Select[Artifact]:
        # What is about to be swept is gone already.
        return select(Artifact).where(Artifact.tenant_id == self._tenant_id, Artifact.expires_at > func.now())
