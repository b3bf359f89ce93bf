"""Whatever a session token or an API key uses up, its tenant's Admin can still look, talk, and stop who did it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from sqlalchemy import text

from support.beside import api_beside
from support.client import SESSIONS, Client
from support.issuer import Issuer
from support.people import People
from support.rows import Rows, Tenant
from support.server import Server
from support.uploads import CONTINUE, ask_grant, granted, held

# Longer than a test, so that what is posted behind such a turn waits.
SLOW_MODEL = "scripted:tokens=300,delay_ms=50"
NARROW = {
    "NEO_RATE_LIMIT_REQUESTS": "100",
    "NEO_RATE_LIMIT_TOKEN_REQUESTS": "50",
    "NEO_TURN_QUEUE_TOKEN_MAX": "6",
    "NEO_TURN_QUEUE_TENANT_MAX": "10",
    "NEO_TAILS_PER_PROCESS": "20",
    "NEO_TAILS_PER_TENANT": "8",
    "NEO_TAILS_PER_SESSION": "4",
    "NEO_UPLOADS_UNUSED_MAX": "20",
    "NEO_UPLOADS_UNUSED_PER_SESSION": "12",
    "NEO_UPLOADS_PER_TENANT": "8",
    "NEO_SESSIONS_MAX": "30",
    "NEO_SESSION_TOKENS_MAX": "5",
    "NEO_AGENTS_MAX": "5",
    "NEO_COMPANIES_MAX": "5",
    "NEO_CHANNELS_MAX": "5",
    "NEO_TECHNICIANS_MAX": "5",
    # Nobody waits for what the tests left running.
    "NEO_DRAIN_SECONDS": "1",
}
REFUSED_BY = 200
KEY_ID = text("SELECT id FROM api_keys")


@dataclass
class Household:
    """A tenant with an Admin, a key, and end users with a session each, the last of whom uses nothing up."""

    tenant: Tenant
    key: Client
    admin: Client
    agent_id: int
    key_id: str
    # What is open or on its way until the test ends.
    holding: AsyncExitStack
    end_users: list[Client] = field(default_factory=list)
    sessions: list[str] = field(default_factory=list)

    async def welcome(self, url: str) -> None:
        session = await self.key.open(agent_id=self.agent_id)
        minted = await self.key.http.post("/public-api/sessions", json={"session_id": session})
        end_user = Client(url, minted.json()["data"]["token"])
        self.holding.push_async_callback(end_user.http.aclose)
        self.end_users.append(end_user)
        self.sessions.append(session)


# One more of what is bounded, in this session: the code of the refusal, or nothing.
Taken = Callable[[Household, Client, str], Awaitable[str]]


def code_of(answer: httpx2.Response) -> str:
    return "" if answer.is_success else str(answer.json()["error"]["code"])


async def take_request(_: Household, who: Client, session: str) -> str:
    return code_of(await who.http.get(f"{SESSIONS}/{session}"))


async def take_tail(home: Household, who: Client, session: str) -> str:
    answer = await home.holding.enter_async_context(who.stream(session, follow=True))
    if not answer.is_success:
        await answer.aread()
    return code_of(answer)


async def take_turn(_: Household, who: Client, session: str) -> str:
    return code_of(await who.post(session, "Hello"))


async def take_grant(_: Household, who: Client, session: str) -> str:
    return code_of(await ask_grant(who, session))


async def take_upload(home: Household, who: Client, session: str) -> str:
    upload = await granted(who, session)
    status, *_ = await home.holding.enter_async_context(held(upload))
    return "" if status == CONTINUE else str(status)


async def take_session(home: Household, who: Client, _: str) -> str:
    return code_of(await who.http.post(SESSIONS, json={"agent_id": home.agent_id}))


async def take_token(_: Household, who: Client, session: str) -> str:
    return code_of(await who.http.post("/public-api/sessions", json={"session_id": session}))


def take_row(path: str, body: Callable[[Household], dict[str, Any]]) -> Taken:
    async def take(home: Household, who: Client, _: str) -> str:
        return code_of(await who.http.post(f"/public-api/{path}", json=body(home)))

    return take


take_agent = take_row("agents", lambda _: {"autonomy_type": "CONVERSATIONAL", "name": "One more"})
take_company = take_row(
    "end-companies", lambda _: {"psa_company_id": uuid4().hex, "psa_company_name": "One more"}
)
take_channel = take_row(
    "channels", lambda home: {"agent_id": home.agent_id, "audience": "MSP", "internal_name": uuid4().hex}
)
take_technician = take_row("technicians", lambda _: {"user_id": str(uuid4())})


@pytest.fixture(scope="module")
async def narrow(
    server: Server, tmp_path_factory: pytest.TempPathFactory, identity: Issuer
) -> AsyncIterator[Server]:
    log = tmp_path_factory.mktemp("narrow") / "api.log"
    async with api_beside(server, log, {**identity.environment(), **NARROW}) as narrow:
        yield narrow


@pytest.fixture
async def home(narrow: Server, identity: Issuer) -> AsyncIterator[Household]:
    rows = Rows(narrow)
    people = People(narrow.url, rows, identity)
    tenant = await rows.tenant()
    agent_id = await rows.agent(SLOW_MODEL, tenant_id=tenant.id)
    async with rows.database.transaction(tenant.id) as db:
        key_id = str(await db.scalar(KEY_ID))
    _, admin = await people.join(tenant.id, "Admin")
    key = Client(narrow.url, tenant.api_key)
    async with AsyncExitStack() as holding:
        household = Household(tenant, key, admin, agent_id, key_id, holding)
        for _ in range(3):
            await household.welcome(narrow.url)
        yield household
    await key.http.aclose()
    await people.aclose()
    await rows.aclose()


async def drive(home: Household, take: Taken, callers: Sequence[tuple[Client, str]]) -> tuple[int, str]:
    """Each takes until they are refused: how many there were, and what the last one was told."""
    taken, refusal = 0, ""
    for who, session in callers:
        for _ in range(REFUSED_BY):
            if refusal := await take(home, who, session):
                break
            taken += 1
    return taken, refusal


async def check_admin(home: Household, take: Taken, *revoked: str) -> None:
    """The Admin looks at what was used up, talks in a session of their own, and ends the credential."""
    opened = await home.admin.http.post(SESSIONS, json={"agent_id": home.agent_id})
    assert not code_of(opened), "They can open a session."
    own, attacked = opened.json()["data"]["id"], home.sessions[0]
    assert not code_of(await home.admin.http.get(SESSIONS)), "They can list."
    assert not code_of(await home.admin.http.get(f"{SESSIONS}/{attacked}/messages")), "They can read."
    async with home.admin.stream(attacked, follow=True) as tail:
        assert tail.is_success, "They can open a tail."
    # The second one waits for the first.
    for _ in range(2):
        assert not await take_turn(home, home.admin, own), "They can post."
    if take not in (take_tail, take_turn):
        assert not await take(home, home.admin, own), "They have some of it left."
    for url in revoked:
        assert not code_of(await home.admin.http.delete(url)), "They can revoke."


@pytest.mark.parametrize(
    ("take", "refusal"),
    [
        (take_request, "rate_limited"),
        (take_tail, "too_many_tails"),
        (take_turn, "too_many_queued_turns"),
        (take_grant, "upload_quota_exceeded"),
        (take_upload, "429"),
    ],
)
async def test_end_users_and_then_a_key_use_up_all_that_is_theirs(
    home: Household, take: Taken, refusal: str
) -> None:
    *tokens, unused = zip(home.end_users, home.sessions, strict=True)

    by_end_users = await drive(home, take, tokens)
    # With the others' tokens what they hold would end, and the key would not come to its bound.
    await check_admin(home, take, f"/public-api/sessions/tokens?session_id={unused[1]}")
    by_key = await drive(home, take, [(home.key, session) for _, session in tokens])
    await check_admin(home, take, f"/public-api/api-keys/{home.key_id}")
    ended = [await who.http.get(f"{SESSIONS}/{unused[1]}") for who in (unused[0], home.key)]

    assert [by_end_users[1], by_key[1]] == [refusal] * 2
    assert min(by_end_users[0], by_key[0]) > 0, "End users leave the keys theirs."
    assert [answer.status_code for answer in ended] == [401] * 2


@pytest.mark.parametrize(
    "take", [take_session, take_token, take_agent, take_company, take_channel, take_technician]
)
async def test_a_key_makes_all_the_rows_that_it_may(home: Household, take: Taken) -> None:
    taken, refusal = await drive(home, take, [(home.key, home.sessions[0])])
    await check_admin(home, take, f"/public-api/api-keys/{home.key_id}")

    assert (refusal, taken > 0) == ("quota_exceeded", True)
