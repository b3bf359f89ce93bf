from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from neo.access import Principal
from neo.sessions import ChatSession, SessionStore
from support.rows import Rows, Tenant

Opened = Callable[[Principal], Awaitable[ChatSession]]


@pytest.fixture
async def tenant(rows: Rows) -> Tenant:
    return await rows.tenant("A tenant with sessions")


@pytest.fixture
async def db(rows: Rows, tenant: Tenant) -> AsyncIterator[AsyncSession]:
    """The tenant's own transaction."""
    async with rows.database.transaction(tenant.id) as db:
        yield db


@pytest.fixture
async def opened_by(rows: Rows, tenant: Tenant, db: AsyncSession) -> Opened:
    """Opens a session in this transaction, as its caller would."""
    agent_id = await rows.agent(tenant_id=tenant.id)

    async def opened(caller: Principal) -> ChatSession:
        session = ChatSession(
            id=uuid4(),
            tenant_id=tenant.id,
            agent_id=agent_id,
            account_id=caller.account_id,
            actor_tenant_id=caller.home_tenant_id if caller.is_platform else None,
            channel=caller.surface,
        )
        return await SessionStore(db, tenant.id).add(session)

    return opened
