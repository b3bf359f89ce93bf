"""A tenant's data keys: the newest one seals, each opens what it has sealed."""

from uuid import UUID

from sqlalchemy import TEXT, ColumnElement, Select, cast, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from neo.vault.models import DataKey
from neo.vault.sealing import new_data_key
from neo.vault.wrapping import KeyWrapping, Wrapped

# Names our locks among PostgreSQL's advisory ones; the number only has to be ours.
LOCKS = 0x7A017


class DataKeys:
    def __init__(self, db: AsyncSession, tenant_id: UUID, wrapping: KeyWrapping) -> None:
        self._db = db
        self._tenant_id = tenant_id
        self._wrapping = wrapping

    async def newest(self) -> tuple[int, bytes]:
        """The version and the key to seal with, until the transaction ends. A tenant's first secret makes the first."""
        await self._db.execute(select(func.pg_advisory_xact_lock_shared(LOCKS, self._lock)))
        found = await self._db.scalar(self._newest())
        if found is None:
            await self._insert(1)
            # Somebody else may have been first.
            found = (await self._db.scalars(self._newest())).one()
        return found.version, await self.opened(found)

    async def add(self) -> int:
        """The version of a new key. When this transaction has ended, nobody seals with an older one any more."""
        await self._db.execute(select(func.pg_advisory_xact_lock(LOCKS, self._lock)))
        found = await self._db.scalar(self._newest())
        version = found.version + 1 if found else 1
        await self._insert(version)
        return version

    async def opened(self, row: DataKey) -> bytes:
        wrapped = Wrapped(row.wrapped_by, row.wrapped)
        return await self._wrapping.unwrap(wrapped, bound_to=self._bound_to(row.version))

    async def rewrap(self, version: int) -> None:
        """Wrap a key anew, unless it is already wrapped by the newest key, or gone."""
        row = await self._db.scalar(self._owned().where(DataKey.version == version).with_for_update())
        if row is None or row.wrapped_by == self._wrapping.newest:
            return
        wrapped = await self._wrapping.wrap(await self.opened(row), bound_to=self._bound_to(version))
        changed = update(DataKey).where(DataKey.tenant_id == self._tenant_id, DataKey.version == version)
        await self._db.execute(changed.values(wrapped_by=wrapped.by, wrapped=wrapped.key))

    def _newest(self) -> Select[DataKey]:
        return self._owned().order_by(DataKey.version.desc()).limit(1)

    async def _insert(self, version: int) -> None:
        wrapped = await self._wrapping.wrap(new_data_key(), bound_to=self._bound_to(version))
        values = {"tenant_id": self._tenant_id, "version": version}
        await self._db.execute(
            insert(DataKey)
            .values(**values, wrapped_by=wrapped.by, wrapped=wrapped.key)
            .on_conflict_do_nothing()
        )

    def _owned(self) -> Select[DataKey]:
        return select(DataKey).where(DataKey.tenant_id == self._tenant_id)

    def _bound_to(self, version: int) -> bytes:
        return b"neo data key\0" + self._tenant_id.bytes + version.to_bytes(4, "big")

    @property
    def _lock(self) -> ColumnElement[int]:
        return func.hashtext(cast(str(self._tenant_id), TEXT))
