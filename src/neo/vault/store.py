"""A tenant's secrets. What leaves this process is sealed, and bound to its tenant, its row and its purpose."""

import re
from collections.abc import Sequence
from typing import NoReturn
from uuid import UUID, uuid4

import structlog
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Row,
    Select,
    and_,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from neo.vault.data_keys import DataKeys
from neo.vault.errors import SecretUnreadable
from neo.vault.models import DataKey, SealedSecret
from neo.vault.sealing import seal, unseal
from neo.vault.secret import Secret
from neo.vault.wrapping import KeyWrapping

log = structlog.get_logger()

# Such as `connection.bearer`: who uses the secret, and what for.
PURPOSE = re.compile(r"[a-z][a-z0-9_.]{0,99}")


class SecretStore:
    def __init__(self, db: AsyncSession, tenant_id: UUID, wrapping: KeyWrapping) -> None:
        self._db = db
        self._tenant_id = tenant_id
        self._keys = DataKeys(db, tenant_id, wrapping)

    async def add(self, purpose: str, secret: Secret) -> UUID:
        """Seal a secret; returns the id by which it is opened again, for the same purpose only."""
        secret_id = uuid4()
        version, sealed = await self._sealed(secret_id, purpose, secret)
        values = {"id": secret_id, "tenant_id": self._tenant_id, "purpose": purpose}
        await self._db.execute(insert(SealedSecret).values(**values, key_version=version, sealed=sealed))
        return secret_id

    async def replace(self, secret_id: UUID, purpose: str, secret: Secret) -> None:
        version, sealed = await self._sealed(secret_id, purpose, secret)
        replaced = await self._db.scalar(
            update(SealedSecret)
            .where(self._is(secret_id), SealedSecret.purpose == purpose)
            .values(key_version=version, sealed=sealed, sealed_at=func.now())
            .returning(SealedSecret.id)
        )
        if replaced is None:
            self._refuse(secret_id, purpose, "there is no such secret")

    async def open(self, secret_id: UUID, purpose: str) -> Secret:
        """Raises `SecretUnreadable`, and says in the operator's log which and why, rather than give a wrong one."""
        found = (await self._db.execute(self._with_key(secret_id))).one_or_none()
        if found is None:
            self._refuse(secret_id, purpose, "there is no such secret")
        try:
            return Secret((await self._opened(*found, purpose)).decode())
        except SecretUnreadable as failure:
            self._refuse(secret_id, purpose, "key or row is another one", failure)

    async def delete(self, secret_id: UUID) -> None:
        await self._db.execute(delete(SealedSecret).where(self._is(secret_id)))

    async def seal_anew(self, rows: Sequence[Row[SealedSecret, DataKey]]) -> int:
        """Seal these with the newest key; returns how many of them could be opened."""
        version, key = await self._keys.newest()
        sealed = []
        for row, key_row in rows:
            try:
                plain = await self._opened(row, key_row, row.purpose)
            except SecretUnreadable:
                continue
            bound_to = self._bound_to(row.id, row.purpose)
            sealed.append({"row": row.id, "bytes": seal(key, plain, bound_to=bound_to)})
        if sealed:
            changed = update(SealedSecret).where(self._is(bindparam("row")))
            values = {"key_version": version, "sealed": bindparam("bytes"), "sealed_at": func.now()}
            await (await self._db.connection()).execute(changed.values(values), sealed)
        return len(sealed)

    async def _opened(self, row: SealedSecret, key_row: DataKey, purpose: str) -> bytes:
        key = await self._keys.opened(key_row)
        return unseal(key, row.sealed, bound_to=self._bound_to(row.id, purpose))

    async def _sealed(self, secret_id: UUID, purpose: str, secret: Secret) -> tuple[int, bytes]:
        if PURPOSE.fullmatch(purpose) is None:
            raise ValueError(f"{purpose!r} is no purpose of a secret.")
        version, key = await self._keys.newest()
        plain = secret.reveal().encode()
        return version, seal(key, plain, bound_to=self._bound_to(secret_id, purpose))

    def _bound_to(self, secret_id: UUID, purpose: str) -> bytes:
        # Both ids have 16 bytes, so that no two secrets are bound to the same bytes.
        return b"neo secret\0" + self._tenant_id.bytes + secret_id.bytes + purpose.encode()

    def _with_key(self, secret_id: UUID) -> Select[SealedSecret, DataKey]:
        """In one statement: a rotation seals anew and drops the old key meanwhile."""
        of = and_(DataKey.tenant_id == SealedSecret.tenant_id, DataKey.version == SealedSecret.key_version)
        return select(SealedSecret, DataKey).join(DataKey, of).where(self._is(secret_id))

    def _is(self, secret_id: UUID | BindParameter[UUID]) -> ColumnElement[bool]:
        return and_(SealedSecret.tenant_id == self._tenant_id, SealedSecret.id == secret_id)

    def _refuse(
        self, secret_id: UUID, purpose: str, reason: str, cause: SecretUnreadable | None = None
    ) -> NoReturn:
        ids = {"tenant_id": str(self._tenant_id), "secret_id": str(secret_id)}
        log.error("secret_unreadable", **ids, purpose=purpose, reason=reason)
        raise SecretUnreadable from cause
