"""End-user session tokens: minted for one session, listed, taken back at once, one or many."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from neo.access import (
    NO_ROW_BOUNDS,
    TOKEN_SECONDS_DEFAULT,
    TOKEN_SECONDS_MAX,
    CallerKind,
    Principal,
    Right,
    RowBounds,
    SessionClaims,
    SessionTokens,
    changing,
    check_room,
)
from neo.agents import AgentStore, ManagedAgentKey
from neo.audit import AuditStore
from neo.channels import ClientIdNotAllowed
from neo.chat.end_user import check_end_user
from neo.chat.errors import (
    SessionAgentNotAllowed,
    SessionArchived,
    SessionNotMintable,
    TokenFilterMissing,
    TokenLifeInvalid,
)
from neo.chat.posting.session_access import check_access, lock_session_access
from neo.db import Database
from neo.sessions import (
    ChatSession,
    SessionStore,
    SessionToken,
    SessionTokenStore,
    TokenFilter,
    check_writable,
    is_readable,
    no_such_token,
)


@dataclass(frozen=True)
class Minting:
    session_id: UUID
    allowed_agent_ids: tuple[int, ...] = ()
    client_id: str | None = None
    end_user: str | None = None
    end_user_email: str | None = None
    ttl_seconds: int | None = None
    model_tier: str = "FAST"


@dataclass(frozen=True)
class Minted:
    token: str
    claims: SessionClaims


class TokenDesk:
    def __init__(self, database: Database, tokens: SessionTokens, bounds: RowBounds = NO_ROW_BOUNDS) -> None:
        self._database = database
        self._bounds = bounds
        self._tokens = tokens

    async def mint(self, caller: Principal, wanted: Minting) -> Minted:
        """A token for a session that the caller may write to; the platform's is for Neo Support only."""
        if wanted.client_id is not None and not caller.is_platform:
            raise ClientIdNotAllowed("Only a platform service account may send `client_id`: omit it.")
        check_end_user(wanted.end_user, wanted.end_user_email)
        async with changing(self._database, caller, Right.MINT_TOKEN) as db:
            session = await SessionStore(db, caller.tenant_id).lock(wanted.session_id)
            check_writable(caller, session)
            await _check(db, caller, session, wanted)
            claims = _claims(session, wanted)
            tokens = SessionTokenStore(db, caller.tenant_id)
            live = tokens.live(session.id)
            await check_room(db, caller, live, self._bounds.session_tokens, "live tokens of this session")
            await tokens.add(claims, caller, model_tier=wanted.model_tier)
            details = {
                "session_id": str(session.id),
                "expires_at": claims.expires_at.isoformat(),
                "model_tier": wanted.model_tier,
            }
            await AuditStore(db, caller.tenant_id).add(
                caller.actor,
                "session_token.minted",
                "session_token",
                claims.jti,
                end_user=wanted.end_user,
                details=details,
            )
        return Minted(self._tokens.sign(claims), claims)

    async def revoke(self, caller: Principal, jti: UUID) -> SessionToken:
        async with changing(self._database, caller, Right.MINT_TOKEN) as db:
            tokens = SessionTokenStore(db, caller.tenant_id)
            token = await tokens.get(jti)
            # Whoever reads a session may end what opens it, an Admin also for others.
            if not is_readable(caller, await SessionStore(db, caller.tenant_id).get(token.session_id)):
                raise no_such_token()
            await tokens.revoke(token)
            await AuditStore(db, caller.tenant_id).add(
                caller.actor, "session_token.revoked", "session_token", jti, end_user=token.end_user
            )
        return token

    async def newest(
        self,
        caller: Principal,
        rows_max: int,
        asked: TokenFilter,
        *,
        before: tuple[datetime, UUID] | None,
    ) -> Sequence[tuple[SessionToken, bool]]:
        """Of the sessions that the caller sees, each token with whether it still opens its session."""
        async with self._database.transaction(caller.tenant_id) as db:
            tokens = SessionTokenStore(db, caller.tenant_id)
            return await tokens.newest(rows_max, asked, before=before, seen_by=caller)

    async def revoke_all(self, caller: Principal, asked: TokenFilter) -> int:
        """Revoke those that `newest` would list, and say how many had not ended yet."""
        given = asked.given()
        if not given:
            raise TokenFilterMissing("Say whose: `session_id`, `minted_by` or `credential_id`.")
        async with changing(self._database, caller, Right.MINT_TOKEN) as db:
            count = await SessionTokenStore(db, caller.tenant_id).revoke_all(asked, seen_by=caller)
            if count:
                await AuditStore(db, caller.tenant_id).add(
                    caller.actor,
                    "session_token.revoked_many",
                    "session_token",
                    next(iter(given.values())),
                    details={**given, "count": count},
                )
        return count


async def _check(db: AsyncSession, caller: Principal, session: ChatSession, wanted: Minting) -> None:
    if caller.is_platform:
        support = await AgentStore(db, session.tenant_id).get_managed(ManagedAgentKey.NEO_SUPPORT)
        is_its_tenant = wanted.client_id is None or wanted.client_id.lower() == str(session.tenant_id)
        if not is_its_tenant or session.agent_id != support.id:
            raise not_mintable()
    if session.archived_at is not None:
        raise SessionArchived("This session is archived: open a new one.")
    if caller.kind is CallerKind.TECHNICIAN:
        # A token is not bound by the agent's `access`, so whom it does not let talk does not hand one out.
        access = await lock_session_access(db, session.tenant_id, session.id)
        check_access(caller, access.access, access.access_user_ids)
    if wanted.allowed_agent_ids and session.agent_id not in wanted.allowed_agent_ids:
        raise SessionAgentNotAllowed(
            "The session's agent is not among `allowed_agent_ids`.",
            details={"fields": {"allowed_agent_ids": "lacks the session's agent"}},
        )
    if wanted.ttl_seconds is not None and wanted.ttl_seconds < 1:
        raise TokenLifeInvalid(
            "`ttl_seconds` is at least 1.", details={"fields": {"ttl_seconds": "is at least 1"}}
        )


def not_mintable() -> SessionNotMintable:
    return SessionNotMintable("A platform service account mints tokens for its Neo Support sessions only.")


def _claims(session: ChatSession, wanted: Minting) -> SessionClaims:
    seconds = min(wanted.ttl_seconds or TOKEN_SECONDS_DEFAULT, TOKEN_SECONDS_MAX)
    return SessionClaims(
        jti=uuid4(),
        tenant_id=session.tenant_id,
        session_id=session.id,
        expires_at=datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=seconds),
        end_user=wanted.end_user,
        end_user_email=wanted.end_user_email,
        # A session is bound to its company for life: nobody widens that by asking.
        end_company_id=session.end_company_id,
        allowed_agent_ids=wanted.allowed_agent_ids,
    )
