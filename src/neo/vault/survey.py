"""What the data keys of all tenants are wrapped by, for the operator."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import and_, distinct, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from neo.vault.models import DataKey, SealedSecret


@dataclass(frozen=True)
class WrappedBy:
    name: str
    data_keys: int
    secrets: int
    tenants: Sequence[UUID]


async def wrapped_by(owner: AsyncConnection) -> list[WrappedBy]:
    """By each key that has wrapped any: how many data keys and secrets need it, and whose they are."""
    of = and_(SealedSecret.tenant_id == DataKey.tenant_id, SealedSecret.key_version == DataKey.version)
    keys = func.count(distinct(func.row(DataKey.tenant_id, DataKey.version)))
    asked = (
        select(
            DataKey.wrapped_by,
            keys,
            func.count(SealedSecret.id),
            func.array_agg(distinct(DataKey.tenant_id)),
        )
        .outerjoin(SealedSecret, of)
        .group_by(DataKey.wrapped_by)
        .order_by(DataKey.wrapped_by)
    )
    return [WrappedBy(*row) for row in await owner.execute(asked)]


async def secrets_kept(owner: AsyncConnection) -> int:
    return await owner.scalar(select(func.count()).select_from(SealedSecret)) or 0
