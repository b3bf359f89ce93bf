from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import Boolean, ColumnElement, Select, func, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from neo.access.errors import ApiKeyExpiryInvalid, ApiKeyNotFound, ApiKeyNotRotatable
from neo.access.keys.format import HINT_CHARACTERS, Pepper, new_key
from neo.access.keys.models import ApiKey

KEYS_LISTED_MAX = 1000
# How long a rotated key still works, so that its users have time to switch.
OVERLAP = timedelta(hours=24)
# Ten years. A key that is to live longer has no expiry.
LIFETIME_MAX = timedelta(days=3653)


class ApiKeyStore:
    def __init__(self, db: AsyncSession, tenant_id: UUID) -> None:
        self._db = db
        self._tenant_id = tenant_id

    async def create(
        self,
        name: str,
        *,
        environment: str,
        pepper: Pepper,
        expires_at: datetime | None = None,
        created_by: UUID | None = None,
        account_id: UUID | None = None,
    ) -> tuple[ApiKey, str]:
        """A new key, of a new service account unless one is named; the plain key is never stored."""
        if expires_at is not None and not timedelta() < expires_at - datetime.now(UTC) <= LIFETIME_MAX:
            raise ApiKeyExpiryInvalid(
                "An API key expires in the future and within ten years, or never: leave `expires_at` out.",
                details={"fields": {"expires_at": "is in the past, or more than ten years ahead"}},
            )
        key, key_id = new_key(environment), uuid4()
        row = {
            "id": key_id,
            "tenant_id": self._tenant_id,
            "account_id": account_id or key_id,
            "name": name,
            "digest": pepper.digest(key),
            "hint": key[-HINT_CHARACTERS:],
            "created_by": created_by,
            "expires_at": expires_at,
        }
        created = await self._db.scalars(insert(ApiKey).values(row).returning(ApiKey))
        return created.one(), key

    async def rotate(
        self, key_id: UUID, *, environment: str, pepper: Pepper, created_by: UUID | None = None
    ) -> tuple[ApiKey, str]:
        """A new key of the same account, of the same lifetime; the old one ends with the overlap at the latest."""
        locked = self._owned().add_columns(_is_live()).where(ApiKey.id == key_id).with_for_update()
        found = (await self._db.execute(locked)).one_or_none()
        if found is None:
            raise _not_found()
        old, is_live = found
        if not is_live or old.rotated_at is not None:
            raise ApiKeyNotRotatable("The key is revoked, expired or rotated already: create a new one.")
        lifetime = old.expires_at - old.created_at if old.expires_at else None
        ends = func.least(ApiKey.expires_at, func.now() + OVERLAP)
        await self._db.execute(
            update(ApiKey).where(self._is(key_id)).values(rotated_at=func.now(), expires_at=ends)
        )
        return await self.create(
            old.name,
            environment=environment,
            pepper=pepper,
            expires_at=datetime.now(UTC) + lifetime if lifetime else None,
            created_by=created_by,
            account_id=old.account_id,
        )

    async def list(self) -> Sequence[ApiKey]:
        found = await self._db.scalars(self._owned().order_by(ApiKey.created_at).limit(KEYS_LISTED_MAX))
        return found.all()

    async def newest(self, rows_max: int, *, before: tuple[datetime, UUID] | None) -> Sequence[ApiKey]:
        wanted = self._owned()
        if before is not None:
            wanted = wanted.where(tuple_(ApiKey.created_at, ApiKey.id) < before)
        newest = wanted.order_by(ApiKey.created_at.desc(), ApiKey.id.desc()).limit(rows_max)
        return (await self._db.scalars(newest)).all()

    async def revoke(self, key_id: UUID) -> tuple[ApiKey, bool]:
        """End a key at once and for good, and whether that was now: ending it twice is the same as once."""
        ended = update(ApiKey).where(self._is(key_id), ApiKey.revoked_at.is_(None))
        changed = await self._db.scalar(ended.values(revoked_at=func.now()).returning(ApiKey))
        found = changed or await self._db.scalar(self._owned().where(ApiKey.id == key_id))
        if found is None:
            raise _not_found()
        return found, changed is not None

    def live(self) -> Select[ApiKey]:
        return self._owned().where(_is_live())

    def _owned(self) -> Select[ApiKey]:
        return select(ApiKey).where(ApiKey.tenant_id == self._tenant_id)

    def _is(self, key_id: UUID) -> ColumnElement[bool]:
        return (ApiKey.tenant_id == self._tenant_id) & (ApiKey.id == key_id)


def _is_live() -> ColumnElement[bool]:
    return func.neo_is_live(ApiKey.revoked_at, ApiKey.expires_at, type_=Boolean)


def _not_found() -> ApiKeyNotFound:
    return ApiKeyNotFound("This tenant has no such API key: list them to see the ids.")
