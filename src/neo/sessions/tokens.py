"""The record of end users' session tokens: which were issued, by whom, and which were revoked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Boolean,
    ColumnElement,
    FetchedValue,
    Select,
    Table,
    Text,
    and_,
    func,
    insert,
    literal,
    select,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from neo.access import MINTING_ROLES, Author, CallerKind, Principal, SessionClaims
from neo.db import Base
from neo.errors import Failure, Kind
from neo.sessions.models import ChatSession


class SessionTokenNotFound(Failure):
    """No such session token in your tenant."""

    kind = Kind.NOT_FOUND
    code = "session_token_not_found"
    remedy = "Check `jti`."


def no_such_token() -> SessionTokenNotFound:
    """The same for a token that is not there and for one of a session that the caller may not see."""
    return SessionTokenNotFound("No such session token.")


class SessionToken(Base):
    __tablename__ = "session_tokens"

    jti: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    session_id: Mapped[UUID]
    minted_by: Mapped[UUID]
    minter_kind: Mapped[str | None]
    minter_tenant_id: Mapped[UUID | None]
    minter_credential_id: Mapped[UUID | None]
    model_tier: Mapped[str]
    end_user: Mapped[str | None]
    end_user_email: Mapped[str | None]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())

    @property
    def minter(self) -> Author | None:
        if self.minter_kind is None or self.minter_tenant_id is None:
            return None
        kind = CallerKind(self.minter_kind)
        return Author(kind, self.minted_by, self.minter_tenant_id, self.minter_credential_id)


@dataclass(frozen=True)
class TokenFilter:
    """Which tokens: of this session, minted by this account, with this API key; as far as it is given."""

    session_id: UUID | None = None
    minted_by: UUID | None = None
    credential_id: UUID | None = None

    def given(self) -> dict[str, str]:
        return {name: str(value) for name, value in vars(self).items() if value is not None}


class SessionTokenStore:
    def __init__(self, db: AsyncSession, tenant_id: UUID) -> None:
        self._db = db
        self._tenant_id = tenant_id

    async def add(self, claims: SessionClaims, caller: Principal, *, model_tier: str) -> None:
        row = {
            "jti": claims.jti,
            "tenant_id": self._tenant_id,
            "session_id": claims.session_id,
            "minted_by": caller.account_id,
            "minter_kind": caller.kind,
            "minter_tenant_id": caller.home_tenant_id,
            "minter_credential_id": caller.credential_id,
            "model_tier": model_tier,
            "end_user": claims.end_user,
            "end_user_email": claims.end_user_email,
            "expires_at": claims.expires_at,
        }
        await self._db.execute(insert(SessionToken).values(row))

    def live(self, session_id: UUID) -> Select[SessionToken]:
        """Those of the session that have not ended."""
        is_open = SessionToken.revoked_at.is_(None) & (SessionToken.expires_at > func.now())
        return select(SessionToken).where(self._owned(), SessionToken.session_id == session_id, is_open)

    async def get(self, jti: UUID) -> SessionToken:
        found = await self._db.scalar(select(SessionToken).where(self._owned(), SessionToken.jti == jti))
        if found is None:
            raise no_such_token()
        return found

    async def newest(
        self,
        rows_max: int,
        asked: TokenFilter,
        *,
        before: tuple[datetime, UUID] | None,
        seen_by: Principal,
    ) -> Sequence[tuple[SessionToken, bool]]:
        """Each with whether it still opens its session."""
        row = cast("Table", SessionToken.__table__).table_valued()
        roles = literal(MINTING_ROLES, ARRAY(Text))
        is_live = func.neo_session_token_is_live(row, roles, type_=Boolean)
        wanted = select(SessionToken, is_live).where(self._asked(asked, seen_by)).limit(rows_max)
        if before is not None:
            wanted = wanted.where(tuple_(SessionToken.created_at, SessionToken.jti) < before)
        found = await self._db.execute(
            wanted.order_by(SessionToken.created_at.desc(), SessionToken.jti.desc())
        )
        return [(row[0], row[1]) for row in found]

    async def revoke(self, token: SessionToken) -> None:
        """Revoke it for good; a second call changes nothing."""
        ended = func.coalesce(SessionToken.revoked_at, func.now())
        mine = (self._owned(), SessionToken.jti == token.jti)
        await self._db.execute(update(SessionToken).where(*mine).values(revoked_at=ended))
        await self._db.refresh(token)

    async def revoke_all(self, asked: TokenFilter, *, seen_by: Principal) -> int:
        """Revoke those that have not ended yet, and say how many."""
        is_open = SessionToken.revoked_at.is_(None) & (SessionToken.expires_at > func.now())
        ended = update(SessionToken).where(self._asked(asked, seen_by), is_open).values(revoked_at=func.now())
        return len((await self._db.scalars(ended.returning(SessionToken.jti))).all())

    def _asked(self, asked: TokenFilter, seen_by: Principal) -> ColumnElement[bool]:
        """The tokens of the sessions that the caller sees, as far as they are asked for."""
        columns = {
            SessionToken.session_id: asked.session_id,
            SessionToken.minted_by: asked.minted_by,
            SessionToken.minter_credential_id: asked.credential_id,
        }
        conditions = [column == value for column, value in columns.items() if value is not None]
        if not seen_by.sees_whole_tenant:
            own = select(ChatSession.id).where(
                ChatSession.tenant_id == self._tenant_id, ChatSession.is_of(seen_by)
            )
            conditions.append(SessionToken.session_id.in_(own))
        return and_(self._owned(), *conditions)

    def _owned(self) -> ColumnElement[bool]:
        return SessionToken.tenant_id == self._tenant_id
