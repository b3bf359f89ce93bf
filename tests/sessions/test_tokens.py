"""A session token is on record while it is valid and after it was revoked."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from neo.access import SessionClaims
from neo.sessions import SessionTokenNotFound, SessionTokenStore
from sessions.callers import service_account
from sessions.conftest import Opened
from support.rows import Rows, Tenant

HOUR = timedelta(hours=1)


def claims(tenant: Tenant, session_id: UUID) -> SessionClaims:
    return SessionClaims(
        jti=uuid4(),
        tenant_id=tenant.id,
        session_id=session_id,
        expires_at=datetime.now(UTC) + HOUR,
        end_user="ada",
        end_user_email=None,
        end_company_id=None,
        allowed_agent_ids=(),
    )


async def test_a_token_is_on_record_for_its_own_tenant(
    rows: Rows, tenant: Tenant, db: AsyncSession, opened_by: Opened
) -> None:
    caller = service_account(tenant.id)
    said = claims(tenant, (await opened_by(caller)).id)
    store = SessionTokenStore(db, tenant.id)
    await store.add(said, caller, model_tier="FAST")

    found = await store.get(said.jti)

    assert (found.session_id, found.minted_by, found.end_user) == (said.session_id, caller.account_id, "ada")
    assert (found.expires_at, found.revoked_at) == (said.expires_at, None)
    with pytest.raises(SessionTokenNotFound):
        await SessionTokenStore(db, (await rows.tenant()).id).get(said.jti)
    with pytest.raises(SessionTokenNotFound):
        await store.get(uuid4())


async def test_a_token_is_revoked_once_and_for_good(
    tenant: Tenant, db: AsyncSession, opened_by: Opened
) -> None:
    caller, store = service_account(tenant.id), SessionTokenStore(db, tenant.id)
    said = claims(tenant, (await opened_by(caller)).id)
    await store.add(said, caller, model_tier="FAST")
    token = await store.get(said.jti)
    await store.revoke(token)
    revoked_at = token.revoked_at
    # `now()` stands still in a transaction; the value must not come from a second call.
    token.revoked_at = earlier = (revoked_at or datetime.now(UTC)) - HOUR
    await db.flush()

    await store.revoke(token)

    assert revoked_at is not None
    assert token.revoked_at == earlier
