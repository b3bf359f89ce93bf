"""End users' session tokens: one session, a few routes, and an end."""

import asyncio
import base64
import contextlib
import json
import time
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from neo.access import SessionClaims, SessionTokens
from support.client import SESSIONS, Client
from support.document import DOCUMENT
from support.issuer import Issuer
from support.people import People
from support.rows import Rows, Tenant
from support.server import Server

MINT = "/public-api/sessions"
# What a token opens, of its own session; every other route is refused.
OPENED = {
    ("get", "/public-api/chat/sessions/{session_id}"),
    ("get", "/public-api/chat/sessions/{session_id}/messages"),
    ("get", "/public-api/chat/sessions/{session_id}/events"),
    ("post", "/public-api/chat/sessions/{session_id}/messages"),
    ("post", "/public-api/chat/sessions/{session_id}/attachments/upload-url"),
    ("post", "/public-api/chat/sessions/{session_id}/turns/{turn_id}/cancel"),
}
PUBLIC = {"/public-api/health", "/public-api/ready", "/public-api/blobs/{path}"}
OPERATIONS = [
    (method, path) for path, methods in DOCUMENT["paths"].items() for method in methods if path not in PUBLIC
]


async def mint(client: Client, session: str, **body: object) -> dict[str, str]:
    answer = await client.http.post(MINT, json={"session_id": session, **body})
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["data"])


@pytest.fixture
async def session(client: Client) -> str:
    return await client.open()


@pytest.fixture
async def end_user(client: Client, session: str, people: People) -> Client:
    return people.client((await mint(client, session))["token"])


async def test_a_token_lives_an_hour_and_names_its_session(client: Client, session: str) -> None:
    minted = await mint(client, session, end_user="zoe", end_user_email="zoe@example.com")

    life = datetime.fromisoformat(minted["expires_at"]) - datetime.now(UTC)
    header, payload, _ = minted["token"].split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    assert 3590 <= life.total_seconds() <= 3600
    assert json.loads(base64.urlsafe_b64decode(header + "=="))["alg"] == "EdDSA"
    assert (minted["session_id"], claims["session_id"], claims["jti"]) == (session, session, minted["jti"])
    assert (claims["sub"], claims["email"], claims["end_company_id"]) == ("zoe", "zoe@example.com", None)


async def test_an_end_user_talks_in_their_session(end_user: Client, session: str) -> None:
    accepted = await end_user.say(session, "Hello")

    events = await end_user.events(session, accepted["since_cursor"])

    assert events[-1].type == "finish"
    assert len((await end_user.messages(session))["messages"]) == 2
    assert (await end_user.http.get(f"{SESSIONS}/{session}")).json()["data"]["id"] == session


@pytest.mark.parametrize(("method", "path"), sorted(set(OPERATIONS) - OPENED))
async def test_s1_every_other_route_is_refused(
    end_user: Client, session: str, method: str, path: str
) -> None:
    named = {"session_id": session, "turn_id": str(uuid4()), "agent_id": "1", "version": "1", "name": "read"}
    for name in (
        "jti",
        "key_id",
        "channel_id",
        "psa_company_id",
        "user_id",
        "end_client_tenant_id",
        "client_id",
        "bot_id",
        "connection_id",
        "stop_id",
        "execution_id",
        "artifact_id",
        "call_id",
    ):
        named[name] = str(uuid4())

    answer = await end_user.http.request(method, path.format(**named), content=b"{")

    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "caller_not_allowed"), path


@pytest.mark.parametrize(("method", "path"), sorted(OPENED))
async def test_s1_another_session_is_not_there(
    end_user: Client, client: Client, method: str, path: str
) -> None:
    other = await client.open()

    answer = await end_user.http.request(method, path.format(session_id=other, turn_id=uuid4()), content=b"{")

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "session_not_found")


async def test_s2_a_token_neither_mints_nor_revokes(end_user: Client, client: Client, session: str) -> None:
    other = await mint(client, session)

    minted = await end_user.http.post(MINT, json={"session_id": session})
    revoked = await end_user.http.delete(f"{MINT}/tokens/{other['jti']}")

    assert [minted.status_code, revoked.status_code] == [403, 403]


async def test_s3_the_verifier_is_chosen_by_the_issuer_and_no_other_is_tried(
    server: Server, client: Client, session: str, identity: Issuer, people: People
) -> None:
    secret = (server.data / "secret").read_text().strip()
    claims = SessionClaims(
        jti=UUID((await mint(client, session))["jti"]),
        tenant_id=UUID(server.tenant_id),
        session_id=UUID(session),
        expires_at=datetime.fromtimestamp(time.time() + 600, UTC),
        end_user=None,
        end_user_email=None,
        end_company_id=None,
        allowed_agent_ids=(),
    )
    ours = SessionTokens((secret,)).sign(claims)
    header, payload, signature = ours.split(".")
    said = claims.payload()
    entra_shaped = identity.token(iss="neo:session-token")
    forged = [
        SessionTokens(("another secret",)).sign(claims),
        entra_shaped,
        f"{b64({'alg': 'HS256', 'typ': 'JWT'})}.{payload}.{signature}",
        f"{b64({'alg': 'none'})}.{payload}.",
        f"{header}.{b64({**said, 'iss': f'{identity.url}/x/v2.0'})}.{signature}",
        f"{header}.{b64({**said, 'session_id': str(uuid4()), 'exp': said['exp'] + 9})}.{signature}",
        identity.token(iss="neo:session-token", jti=str(claims.jti), session_id=session),
    ]

    good = await people.client(ours).http.get(f"{SESSIONS}/{session}")
    bad = [await people.client(token).http.get(f"{SESSIONS}/{session}") for token in forged]

    assert good.status_code == 200
    assert [answer.status_code for answer in bad] == [401] * len(forged)


async def test_s4_nobody_widens_a_token_by_asking(client: Client, session: str, server: Server) -> None:
    named = await client.http.post(MINT, json={"session_id": session, "client_id": server.tenant_id})
    company = await client.http.post(MINT, json={"session_id": session, "end_company_id": "another"})
    agents = await client.http.post(MINT, json={"session_id": session, "allowed_agent_ids": [2**40]})
    lives = [
        await client.http.post(MINT, json={"session_id": session, "ttl_seconds": seconds})
        for seconds in (0, -1, 10**9)
    ]

    assert (named.status_code, named.json()["error"]["code"]) == (403, "client_id_not_allowed")
    claims = json.loads(base64.urlsafe_b64decode(company.json()["data"]["token"].split(".")[1] + "=="))
    assert claims["end_company_id"] is None
    assert "end_company_id" in company.json()["meta"]["warnings"][0]
    assert agents.json()["error"]["code"] == "session_agent_not_allowed"
    assert [life.status_code for life in lives] == [422, 422, 200]
    day = datetime.fromisoformat(lives[2].json()["data"]["expires_at"]) - datetime.now(UTC)
    assert day.total_seconds() <= 24 * 3600


async def test_s5_the_platform_mints_for_its_own_neo_support_sessions_only(
    rows: Rows, people: People
) -> None:
    platform, target, other = await rows.platform(), await rows.tenant(), await rows.tenant()
    relay = people.client(platform.api_key)
    own = await relay.open(client_id=str(target.id))
    theirs = await people.client(target.api_key).open()

    good = await mint(relay, own, client_id=str(target.id))
    asked = [(own, str(other.id)), (theirs, str(target.id)), (str(uuid4()), str(target.id))]
    bad = [await relay.http.post(MINT, json={"session_id": one, "client_id": named}) for one, named in asked]
    unnamed = await relay.http.post(MINT, json={"session_id": theirs})
    revoked = await relay.http.delete(f"{MINT}/tokens/{good['jti']}")

    assert {(a.status_code, a.json()["error"]["code"]) for a in bad} == {(403, "session_not_mintable")}
    assert (unnamed.status_code, unnamed.json()["error"]["code"]) == (404, "session_not_found")
    assert revoked.status_code == 200


@pytest.mark.parametrize("how", ["revoked", "archived", "reset", "expired"])
async def test_s6_a_token_ends_at_once_and_its_open_tail_within_five_seconds(
    client: Client, rows: Rows, people: People, how: str
) -> None:
    session = await client.open()
    minted = await mint(client, session)
    end_user = people.client(minted["token"])

    async with end_user.stream(session, follow=True) as tail:
        assert tail.status_code == 200
        began = time.monotonic()
        if how == "revoked":
            assert (await client.http.delete(f"{MINT}/tokens/{minted['jti']}")).status_code == 200
        elif how in ("archived", "reset"):
            path = {"archived": "archive", "reset": "reset"}[how]
            assert (await client.http.post(f"{SESSIONS}/{session}/{path}")).status_code == 200
        else:
            await expire(rows, minted["jti"])
        refused = await end_user.http.get(f"{SESSIONS}/{session}")
        async with asyncio.timeout(5):
            body = b"".join([piece async for piece in tail.aiter_bytes()])

    assert refused.status_code == 401
    assert b"retry:" in body
    assert time.monotonic() - began < 5


async def test_one_tenants_token_cannot_be_revoked_by_another(
    client: Client, session: str, rows: Rows, people: People
) -> None:
    minted = await mint(client, session)
    stranger = people.client((await rows.tenant()).api_key)

    answers = [
        await stranger.http.delete(f"{MINT}/tokens/{jti}") for jti in (minted["jti"], str(uuid4()), "x")
    ]
    twice = [await client.http.delete(f"{MINT}/tokens/{minted['jti']}") for _ in range(2)]

    assert {(a.status_code, a.json()["error"]["code"]) for a in answers} == {(404, "session_token_not_found")}
    assert [answer.status_code for answer in twice] == [200, 200]
    assert twice[0].json()["data"] == twice[1].json()["data"]


async def test_an_archived_session_takes_no_token(client: Client, session: str) -> None:
    await client.http.post(f"{SESSIONS}/{session}/archive")

    answer = await client.http.post(MINT, json={"session_id": session})

    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "session_archived")


async def test_a_user_mints_for_their_own_sessions_only(people: People, rows: Rows) -> None:
    tenant: Tenant = await rows.tenant()
    _, ada = await people.join(tenant.id, "User")
    _, admin = await people.join(tenant.id, "Admin")
    _, viewer = await people.join(tenant.id, "Viewer")
    session = await ada.open()

    answers = [await one.http.post(MINT, json={"session_id": session}) for one in (ada, admin, viewer)]

    assert [answer.status_code for answer in answers] == [200, 403, 403]


async def test_h6_at_most_five_tails_of_one_token_are_open(client: Client, people: People) -> None:
    session = await client.open()
    end_user = people.client((await mint(client, session))["token"])
    url, follow = f"{SESSIONS}/{session}/events", {"follow": "true"}

    async with contextlib.AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(end_user.stream(session, follow=True)) for _ in range(5)]
        sixth = await end_user.http.get(url, params=follow)
        async with client.stream(session, follow=True) as of_the_account:
            assert of_the_account.status_code == 200

    assert [tail.status_code for tail in opened] == [200] * 5
    assert (sixth.status_code, sixth.json()["error"]["code"]) == (429, "too_many_tails")
    assert int(sixth.headers["retry-after"]) >= 1
    async with asyncio.timeout(5):
        while (await status_of_a_tail(end_user, session)) != 200:
            await asyncio.sleep(0.05)


async def status_of_a_tail(end_user: Client, session: str) -> int:
    async with end_user.stream(session, follow=True) as tail:
        return tail.status_code


async def expire(rows: Rows, jti: str) -> None:
    """As if its hour had passed: the database's record is asked on each request."""
    async with rows.owner.without_tenant() as owner:
        tenant_id = await owner.scalar(
            text("SELECT tenant_id FROM session_tokens WHERE jti = :jti"), {"jti": jti}
        )
    async with rows.database.transaction(tenant_id) as db:
        await db.execute(text("UPDATE session_tokens SET expires_at = now() WHERE jti = :jti"), {"jti": jti})


def b64(said: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=").decode()
