"""What the operator rotates while everything runs, as the owner's role: what wraps the data keys, and those themselves.

Each batch is a transaction, so that a rotation may be ended at any moment: the next one goes on from what is there.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVarTuple
from uuid import UUID

from sqlalchemy import Delete, Row, Select, and_, delete, exists, func, select, tuple_

from neo.db import Database
from neo.kit import reached
from neo.vault.data_keys import DataKeys
from neo.vault.errors import SecretUnreadable
from neo.vault.models import DataKey, SealedSecret
from neo.vault.store import SecretStore
from neo.vault.wrapping import KeyWrapping

# Some milliseconds of work: whoever wants to change one of these secrets meanwhile waits for that long.
BATCH = 100
FIRST = UUID(int=0)
Asked = TypeVarTuple("Asked")


@dataclass(frozen=True)
class Batch:
    """What a batch has done. What could not be opened is left as it was."""

    done: int
    unreadable: int = 0


async def rewrap(owner: Database, wrapping: KeyWrapping) -> AsyncIterator[Batch]:
    """Wrap each data key by the newest key that is not yet."""
    after = (FIRST, 0)
    while rows := await _page(owner, _outdated(wrapping.newest, after)):
        done = 0
        for tenant_id, version in rows:
            done += await _rewrapped(owner, wrapping, tenant_id, version)
        yield Batch(done, len(rows) - done)
        after = (rows[-1].tenant_id, rows[-1].version)


async def renew(owner: Database, wrapping: KeyWrapping, older_than: timedelta) -> AsyncIterator[Batch]:
    """Give each tenant whose data key is older a new one, seal its secrets anew with that, and drop the old one.

    A tenant that has several keys is one whose rotation was ended before it was done.
    """
    after = FIRST
    while rows := await _page(owner, _tenants(after, older_than)):
        for tenant_id, keys, is_old in rows:
            if keys == 1 and is_old:
                async with owner.transaction(tenant_id) as db:
                    await DataKeys(db, tenant_id, wrapping).add()
                await reached("after_rotation_commit")
            elif keys == 1:
                continue
            async for batch in _sealed_anew(owner, wrapping, tenant_id):
                yield batch
            async with owner.transaction(tenant_id) as db:
                await db.execute(_unused(tenant_id))
        after = rows[-1].tenant_id


async def _rewrapped(owner: Database, wrapping: KeyWrapping, tenant_id: UUID, version: int) -> bool:
    try:
        async with owner.transaction(tenant_id) as db:
            await DataKeys(db, tenant_id, wrapping).rewrap(version)
    except SecretUnreadable:
        return False
    await reached("after_rotation_commit")
    return True


async def _sealed_anew(owner: Database, wrapping: KeyWrapping, tenant_id: UUID) -> AsyncIterator[Batch]:
    after = FIRST
    while True:
        async with owner.transaction(tenant_id) as db:
            rows = (await db.execute(_behind(tenant_id, after))).all()
            done = await SecretStore(db, tenant_id, wrapping).seal_anew(rows) if rows else 0
        if not rows:
            return
        await reached("after_rotation_commit")
        yield Batch(done, len(rows) - done)
        after = rows[-1][0].id


async def _page(owner: Database, asked: Select[*Asked]) -> Sequence[Row[*Asked]]:
    async with owner.without_tenant() as connection:
        return (await connection.execute(asked.limit(BATCH))).all()


def _outdated(newest: str, after: tuple[UUID, int]) -> Select[UUID, int]:
    at = tuple_(DataKey.tenant_id, DataKey.version)
    return (
        select(DataKey.tenant_id, DataKey.version)
        .where(DataKey.wrapped_by != newest, at > after)
        .order_by(at)
    )


def _tenants(after: UUID, older_than: timedelta) -> Select[UUID, int, bool]:
    """Each tenant with the number of its data keys, and whether the newest one is older than that."""
    is_old = func.max(DataKey.created_at) <= func.now() - older_than
    return (
        select(DataKey.tenant_id, func.count(), is_old)
        .where(DataKey.tenant_id > after)
        .group_by(DataKey.tenant_id)
        .order_by(DataKey.tenant_id)
    )


def _behind(tenant_id: UUID, after: UUID) -> Select[SealedSecret, DataKey]:
    """Secrets that are sealed with an older key than the newest, locked for this transaction."""
    newest = select(func.max(DataKey.version)).where(DataKey.tenant_id == tenant_id).scalar_subquery()
    of = and_(DataKey.tenant_id == SealedSecret.tenant_id, DataKey.version == SealedSecret.key_version)
    return (
        select(SealedSecret, DataKey)
        .join(DataKey, of)
        .where(
            SealedSecret.tenant_id == tenant_id, SealedSecret.id > after, SealedSecret.key_version < newest
        )
        .order_by(SealedSecret.id)
        .limit(BATCH)
        .with_for_update(of=SealedSecret)
    )


def _unused(tenant_id: UUID) -> Delete:
    """Older keys that have sealed nothing that is left."""
    newest = select(func.max(DataKey.version)).where(DataKey.tenant_id == tenant_id).scalar_subquery()
    used = exists().where(SealedSecret.tenant_id == tenant_id, SealedSecret.key_version == DataKey.version)
    return delete(DataKey).where(DataKey.tenant_id == tenant_id, DataKey.version < newest, ~used)
