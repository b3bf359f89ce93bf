"""Creates, rotates and revokes API keys, with an entry in the audit log for each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from neo.access.errors import CallerNotAllowed
from neo.access.held_right import Operator, changing
from neo.access.keys.format import Pepper
from neo.access.keys.models import ApiKey
from neo.access.keys.store import ApiKeyStore
from neo.access.limits.rows import NO_ROW_BOUNDS, RowBounds, check_room
from neo.access.principal import Principal
from neo.access.rights import Right
from neo.audit import AuditStore
from neo.db import Database, call_within
from neo.tenants import TenantStore


@dataclass(frozen=True)
class NewKey:
    """`plain` is shown once: only its HMAC is stored."""

    row: ApiKey
    plain: str


class KeyDesk:
    def __init__(
        self, database: Database, environment: str, pepper: Pepper, bounds: RowBounds = NO_ROW_BOUNDS
    ) -> None:
        self._database = database
        self._environment = environment
        self._pepper = pepper
        self._bounds = bounds

    async def create(
        self, caller: Principal | Operator, name: str, *, expires_at: datetime | None = None
    ) -> NewKey:
        async with changing(self._database, caller, Right.GOVERN) as db:
            await _check_may_make(db, caller)
            live = ApiKeyStore(db, caller.tenant_id).live()
            await check_room(db, caller, live, self._bounds.api_keys, "live API keys")
            row, plain = await ApiKeyStore(db, caller.tenant_id).create(
                name,
                environment=self._environment,
                pepper=self._pepper,
                expires_at=expires_at,
                created_by=caller.actor.id,
            )
            await AuditStore(db, caller.tenant_id).add(caller.actor, "api_key.created", "api_key", row.id)
        return NewKey(row, plain)

    async def rotate(self, caller: Principal | Operator, key_id: UUID) -> NewKey:
        async with changing(self._database, caller, Right.GOVERN) as db:
            await _check_may_make(db, caller)
            live = ApiKeyStore(db, caller.tenant_id).live()
            await check_room(db, caller, live, self._bounds.api_keys, "live API keys")
            row, plain = await ApiKeyStore(db, caller.tenant_id).rotate(
                key_id, environment=self._environment, pepper=self._pepper, created_by=caller.actor.id
            )
            details = {"new_key_id": str(row.id)}
            await AuditStore(db, caller.tenant_id).add(
                caller.actor, "api_key.rotated", "api_key", key_id, details=details
            )
        return NewKey(row, plain)

    async def revoke(
        self, caller: Principal | Operator, key_id: UUID, *, revoke_minted: bool
    ) -> tuple[ApiKey, int]:
        return await revoke_key(self._database, caller, key_id, revoke_minted=revoke_minted)

    async def newest(
        self, tenant_id: UUID, rows_max: int, *, before: tuple[datetime, UUID] | None
    ) -> Sequence[ApiKey]:
        async with self._database.transaction(tenant_id) as db:
            return await ApiKeyStore(db, tenant_id).newest(rows_max, before=before)


async def revoke_key(
    database: Database, caller: Principal | Operator, key_id: UUID, *, revoke_minted: bool
) -> tuple[ApiKey, int]:
    """End a key, and with `revoke_minted` the session tokens that it minted: the key, and how many tokens. Unlike a
    new key, that needs no pepper.
    """
    async with changing(database, caller, Right.GOVERN) as db:
        row, is_now = await ApiKeyStore(db, caller.tenant_id).revoke(key_id)
        minted = (await call_within(db, "neo_revoke_minted", key_id))[0][0] if revoke_minted else 0
        if is_now or minted:
            details = {"revoked_minted": minted} if revoke_minted else {}
            await AuditStore(db, caller.tenant_id).add(
                caller.actor, "api_key.revoked", "api_key", key_id, details=details
            )
    return row, minted


async def _check_may_make(db: AsyncSession, caller: Principal | Operator) -> None:
    """The platform's keys act for every tenant, so none is made over the network."""
    if isinstance(caller, Principal) and (await TenantStore(db, caller.tenant_id).get()).is_platform:
        raise CallerNotAllowed(
            "Keys of the platform are made and rotated by the operator alone: `neo keys create --tenant "
            f"{caller.tenant_id}`, or `neo keys rotate`."
        )
