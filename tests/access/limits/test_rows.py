"""A tenant has so many rows of each kind; its keys cannot use up what an Admin needs."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text

from neo.access import (
    CallerKind,
    CountedRoom,
    Credential,
    CredentialKind,
    Principal,
    QuotaExceeded,
    Role,
    RowBounds,
    SessionTokens,
    UrlSigner,
)
from neo.agents import Access, AgentDesk, Audience, AutonomyType
from neo.agents.models import AgentVersion
from neo.attachments import BlobUrls, UploadQuotaExceeded
from neo.blobs import BlobAccess, BlobLocation, BlobStore
from neo.channels.administer import ChannelDesk
from neo.chat import SessionDesk, TokenDesk
from neo.chat.open import Opening
from neo.chat.tokens.mint import Minting
from neo.chat.uploads.grant import UploadDesk, UploadQuota
from neo.companies.administer import CompanyDesk
from neo.llm import ModelList, ProviderSettings
from neo.people.roster import Roster
from neo.toolbox import ToolboxRules
from support.rows import Rows, Tenant

MOST = 2
SECRET = "a secret that is long enough for a test"
BOUNDS = RowBounds(**dict.fromkeys(RowBounds.__dataclass_fields__, MOST))
AGENT: dict[str, Any] = {
    "name": "Agent",
    "autonomy_type": AutonomyType.CONVERSATIONAL,
    "audience": Audience.MSP,
    "access": Access.ALL_USERS,
    "access_user_ids": [],
}


@dataclass
class Callers:
    rows: Rows
    tenant: Tenant
    key: Principal
    admin: Principal
    agent_id: int

    @property
    def agents(self) -> AgentDesk:
        return AgentDesk(self.rows.database, ModelList({}, ProviderSettings()), ToolboxRules(), BOUNDS)

    async def agent(self, who: Principal) -> None:
        await self.agents.create(who, dict(AGENT))

    async def channel(self, who: Principal) -> None:
        values = {"agent_id": self.agent_id, "transport": "TEAMS", "audience": "MSP", "internal_name": "One"}
        await ChannelDesk(self.rows.database, BOUNDS).create(who, {**values, "bot_id": None})

    async def company(self, who: Principal) -> None:
        values = {"psa_company_name": "A company"}
        await CompanyDesk(self.rows.database, BOUNDS).create(who, uuid4().hex, values)

    async def technician(self, who: Principal) -> None:
        await Roster(self.rows.database, BOUNDS).add(who, uuid4(), {"role": "User"})

    async def session(self, who: Principal, room: CountedRoom | None = None) -> UUID:
        desk = SessionDesk(self.rows.database, room or CountedRoom(MOST, "sessions"))
        return (await desk.open(who, Opening(agent_id=self.agent_id))).id


@pytest.fixture
async def callers(rows: Rows) -> Callers:
    tenant = await rows.tenant()
    agent_id, admin_id = await rows.agent(tenant_id=tenant.id), uuid4()
    async with rows.database.transaction(tenant.id) as db:
        [key_id] = (await db.execute(text("SELECT id FROM api_keys"))).scalars().all()
        added = text("INSERT INTO technicians (tenant_id, user_id, role) VALUES (:tenant, :admin, 'Admin')")
        await db.execute(added, {"tenant": tenant.id, "admin": admin_id})
    return Callers(
        rows,
        tenant,
        principal(tenant.id, CallerKind.SERVICE_ACCOUNT, CredentialKind.API_KEY, key_id),
        principal(tenant.id, CallerKind.TECHNICIAN, CredentialKind.TECHNICIAN, admin_id, Role.ADMIN),
        agent_id,
    )


def principal(
    tenant_id: UUID, kind: CallerKind, of: CredentialKind, found: UUID, role: Role | None = None
) -> Principal:
    return Principal(kind, tenant_id, tenant_id, found, Credential(of, tenant_id, found, role=role), role)


async def made(one_more: Callable[[Principal], Awaitable[object]], who: Principal) -> int:
    for number in range(10 * MOST):
        try:
            await one_more(who)
        except QuotaExceeded as refused:
            assert refused.details["most"] == MOST + (who.role is Role.ADMIN)
            return number
    raise AssertionError("Nothing is refused.")


# A tenant has an agent of Neo's and one of the test's from the start, and one Admin.
@pytest.mark.parametrize(
    ("kind", "by_key"), [("agent", 0), ("channel", 2), ("company", 2), ("technician", 1), ("session", 2)]
)
async def test_a_key_makes_so_many_rows_and_an_admin_one_more(
    callers: Callers, kind: str, by_key: int
) -> None:
    one_more = getattr(callers, kind)

    assert (await made(one_more, callers.key), await made(one_more, callers.admin)) == (by_key, 1)


@pytest.mark.parametrize("bound", [one.name for one in fields(UploadQuota)])
async def test_end_users_leave_a_part_of_each_upload_bound_and_admins_have_a_reserve(
    callers: Callers, tmp_path: Path, bound: str
) -> None:
    session_id, quota = await callers.session(callers.key), {one.name: 1000 for one in fields(UploadQuota)}
    urls = BlobUrls(
        BlobStore(BlobLocation.parse(tmp_path.as_uri()), BlobAccess()), UrlSigner((SECRET,)), None
    )
    desk = UploadDesk(callers.rows.database, urls, UploadQuota(**{**quota, bound: 8}))

    async def granted_to(who: Principal) -> int:
        for number in range(20):
            try:
                await desk.grant(who, session_id, "image/png", None, "http://neo")
            except UploadQuotaExceeded:
                return number
            async with callers.rows.database.transaction(callers.tenant.id) as db:
                await db.execute(text("UPDATE attachments SET size_bytes = 1"))
        raise AssertionError("Nothing is refused.")

    end_user = replace(callers.key, kind=CallerKind.END_USER, session_id=session_id)
    # An Admin writes to their own sessions only.
    admin = replace(callers.key, role=Role.ADMIN)

    assert [await granted_to(who) for who in (end_user, callers.key, admin)] == [6, 2, 1]


async def test_a_session_has_so_many_live_tokens_and_one_that_is_revoked_makes_room(callers: Callers) -> None:
    session_id = await callers.session(callers.key)
    desk = TokenDesk(callers.rows.database, SessionTokens((SECRET,)), BOUNDS)
    minted = [await desk.mint(callers.key, Minting(session_id)) for _ in range(MOST)]

    with pytest.raises(QuotaExceeded):
        await desk.mint(callers.key, Minting(session_id))
    await desk.revoke(callers.key, minted[0].claims.jti)

    assert await desk.mint(callers.key, Minting(session_id))


async def test_the_sessions_of_a_tenant_are_counted_now_and_then_and_never_too_many(callers: Callers) -> None:
    here, there = CountedRoom(25, "sessions"), CountedRoom(25, "sessions")

    opened = 0
    with pytest.raises(QuotaExceeded):
        for number in range(40):
            await callers.session(callers.key, there if number == 1 else here)
            opened += 1

    # What the other process had room for it learnt at its first opening.
    assert 25 <= opened <= 27
    with pytest.raises(QuotaExceeded):
        for _ in range(3):
            await callers.session(callers.key, there)


async def test_of_an_agents_versions_the_newest_are_kept(callers: Callers) -> None:
    for number in range(4):
        wanted = {"description": f"Number {number}"}
        await callers.agents.change(callers.key, callers.agent_id, wanted, version=None)

    async with callers.rows.database.transaction(callers.tenant.id) as db:
        kept = await db.scalars(select(AgentVersion.version).where(AgentVersion.agent_id == callers.agent_id))
        assert sorted(kept) == [4, 5]
