from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import Select, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from neo.access.keys import HINT_CHARACTERS, Pepper, new_key
from neo.access.models import ApiKey
from neo.errors import Failure, Kind

KEYS_LISTED_MAX = 1000


class ApiKeyNotFound(Failure):
    kind = Kind.NOT_FOUND
    code = "api_key_not_found"


class ApiKeyStore:
    def __init__(self, db: AsyncSession, tenant_id: UUID) -> None:
        self._db = db
        self._tenant_id = tenant_id

    async def create(
        self, name: str, *, environment: str, pepper: Pepper, expires_at: datetime | None = None
    ) -> tuple[UUID, str]:
        """A new key of a new service account; the plain key is returned once and never stored."""
        key, key_id = new_key(environment), uuid4()
        row = {
            "id": key_id,
            "tenant_id": self._tenant_id,
            "account_id": key_id,
            "name": name,
            "digest": pepper.digest(key),
            "hint": key[-HINT_CHARACTERS:],
            "expires_at": expires_at,
        }
        await self._db.execute(insert(ApiKey).values(row))
        return key_id, key

    async def list(self) -> Sequence[ApiKey]:
        found = await self._db.scalars(self._owned().order_by(ApiKey.created_at).limit(KEYS_LISTED_MAX))
        return found.all()

    async def revoke(self, key_id: UUID) -> None:
        """End a key at once and for good; ending it twice is the same as once."""
        now = func.coalesce(ApiKey.revoked_at, func.now())
        mine = (ApiKey.tenant_id == self._tenant_id) & (ApiKey.id == key_id)
        changed = await self._db.execute(
            update(ApiKey).where(mine).values(revoked_at=now).returning(ApiKey.id)
        )
        if changed.first() is None:
            raise ApiKeyNotFound("This tenant has no such API key: `neo keys list` shows them.")

    def _owned(self) -> Select[ApiKey]:
        return select(ApiKey).where(ApiKey.tenant_id == self._tenant_id)
