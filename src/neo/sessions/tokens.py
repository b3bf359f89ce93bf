"""The record of end users' session tokens: which were issued, and which were revoked."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import FetchedValue, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from neo.access import SessionClaims
from neo.db import Base
from neo.errors import Failure, Kind


class SessionTokenNotFound(Failure):
    """No such session token in your tenant."""

    kind = Kind.NOT_FOUND
    code = "session_token_not_found"
    remedy = "Check `jti`."


class SessionToken(Base):
    __tablename__ = "session_tokens"

    jti: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    session_id: Mapped[UUID]
    minted_by: Mapped[UUID]
    end_user: Mapped[str | None]
    end_user_email: Mapped[str | None]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())


class SessionTokenStore:
    def __init__(self, db: AsyncSession, tenant_id: UUID) -> None:
        self._db = db
        self._tenant_id = tenant_id

    async def add(self, claims: SessionClaims, minted_by: UUID) -> None:
        row = {
            "jti": claims.jti,
            "tenant_id": self._tenant_id,
            "session_id": claims.session_id,
            "minted_by": minted_by,
            "end_user": claims.end_user,
            "end_user_email": claims.end_user_email,
            "expires_at": claims.expires_at,
        }
        await self._db.execute(insert(SessionToken).values(row))

    async def get(self, jti: UUID) -> SessionToken:
        wanted = select(SessionToken).where(
            SessionToken.tenant_id == self._tenant_id, SessionToken.jti == jti
        )
        found = await self._db.scalar(wanted)
        if found is None:
            raise SessionTokenNotFound("No such session token.")
        return found

    async def revoke(self, token: SessionToken) -> None:
        """Revoke it for good; a second call changes nothing."""
        mine = (SessionToken.tenant_id == self._tenant_id) & (SessionToken.jti == token.jti)
        ended = func.coalesce(SessionToken.revoked_at, func.now())
        await self._db.execute(update(SessionToken).where(mine).values(revoked_at=ended))
        await self._db.refresh(token)
