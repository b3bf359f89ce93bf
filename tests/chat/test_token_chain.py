"""A session token is a link in a chain: who minted it, by what, what it may ask for, and with what it ends."""

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from neo.people import Roster
from support.client import SESSIONS, Client, read_events
from support.people import People
from support.rows import Rows, Tenant

MINT = "/public-api/sessions"
TOKENS = f"{MINT}/tokens"
KEYS = "/public-api/api-keys"
TECHNICIANS = "/public-api/technicians"
# A tail of a credential that has lapsed ends within five.
LAPSE_SECONDS_MAX = 5
# Twelve seconds, which no test waits for.
SLOW = "scripted:tokens=600,delay_ms=20"


@pytest.fixture(scope="module")
async def tenant(rows: Rows) -> Tenant:
    return await rows.tenant("Minters")


@pytest.fixture(scope="module")
async def admin(people: People, tenant: Tenant) -> Client:
    return (await people.join(tenant.id, "Admin"))[1]


async def minted(caller: Client, session: str, **body: object) -> dict[str, Any]:
    answer = await caller.http.post(MINT, json={"session_id": session, **body})
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["data"])


async def listed(caller: Client, **asked: object) -> list[dict[str, Any]]:
    answer = await caller.http.get(TOKENS, params={name: str(value) for name, value in asked.items()})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["data"])


async def new_key(admin: Client) -> dict[str, Any]:
    return dict((await admin.http.post(KEYS, json={"name": "Minter"})).json()["data"])


def told(answer: httpx2.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.json().get("error", {}).get("code")


async def opens(people: People, token: dict[str, Any]) -> bool:
    answer = await people.client(token["token"]).http.get(f"{SESSIONS}/{token['session_id']}")
    assert answer.status_code in (200, 401)
    return answer.status_code == 200


@dataclass(frozen=True)
class Minter:
    """A person of the roster, and who may change it."""

    oid: UUID
    tenant: Tenant
    people: People
    admin: Client

    @property
    def url(self) -> str:
        return f"{TECHNICIANS}/{self.oid}"

    async def put(self, role: str) -> None:
        await Roster(self.people.rows.owner).put(self.tenant.id, self.oid, {"role": role})


def changed(**body: object) -> Any:
    return lambda one: one.admin.http.patch(one.url, json=body)


@pytest.mark.parametrize(
    ("taken_away", "given_back"),
    [
        pytest.param(changed(is_active=False), changed(is_active=True), id="locked out"),
        pytest.param(changed(role="Viewer"), changed(role="User"), id="lowered to who may not mint"),
        pytest.param(
            lambda one: one.put("Viewer"), lambda one: one.put("Admin"), id="lowered by the operator"
        ),
        pytest.param(
            lambda one: one.admin.http.delete(one.url),
            lambda one: one.people.join(one.tenant.id, "User", one.oid),
            id="removed",
        ),
    ],
)
async def test_what_a_technician_minted_ends_with_their_access_for_good(
    people: People, tenant: Tenant, admin: Client, taken_away: Any, given_back: Any
) -> None:
    oid, user = await people.join(tenant.id, "User")
    token = await minted(user, await user.open())
    assert await opens(people, token)

    await taken_away(one := Minter(oid, tenant, people, admin))

    assert not await opens(people, token)
    [shown] = await listed(admin, minted_by=oid)
    assert (shown["is_live"], shown["revoked_at"] is None) == (False, False)
    [entry] = (await admin.http.get(f"/public-api/audit-log?object_id={oid}")).json()["data"]
    assert entry["details"]["revoked_minted"] == 1

    await given_back(one)

    assert not await opens(people, token)
    assert await opens(people, await minted(user, await user.open()))


async def test_a_revoked_key_takes_what_it_minted_along_if_asked_then_or_later(
    people: People, admin: Client
) -> None:
    key, another = await new_key(admin), await new_key(admin)
    account = people.client(key["key"])
    session = await account.open()
    token, kept = await minted(account, session), await minted(people.client(another["key"]), session)

    await admin.http.delete(f"{KEYS}/{key['id']}")
    lives_on = await opens(people, token)
    answer = await admin.http.delete(f"{KEYS}/{key['id']}", params={"revoke_minted": True})

    assert lives_on
    assert answer.json()["data"]["revoked_minted"] == 1
    assert not await opens(people, token)
    assert await opens(people, kept)


async def test_what_the_platforms_key_minted_for_another_tenant_ends_with_it_too(
    people: People, rows: Rows, tenant: Tenant, admin: Client
) -> None:
    platform = await rows.platform()
    _, governor = await people.join(platform.id, "Admin")
    relay = people.client(platform.api_key)
    token = await minted(relay, await relay.open(client_id=str(tenant.id)))
    [key] = (await governor.http.get(KEYS)).json()["data"]
    [shown] = await listed(admin, session_id=token["session_id"])

    await governor.http.delete(f"{KEYS}/{key['id']}", params={"revoke_minted": True})

    assert shown["minter"] == {"kind": "platform", "id": None, "credential_id": None}
    assert not await opens(people, token)


async def test_tokens_are_listed_by_session_by_minter_and_by_key_for_who_reads_the_session(
    people: People, rows: Rows, tenant: Tenant, admin: Client
) -> None:
    key = await new_key(admin)
    account = people.client(key["key"])
    oid, user = await people.join(tenant.id, "User")
    by_key = await minted(account, await account.open(), end_user="zoe", model_tier="SMART")
    by_user = [await minted(user, session) for session in (await user.open(), await user.open())]
    stranger = people.client((await rows.tenant()).api_key)

    [shown] = await listed(admin, session_id=by_key["session_id"])
    page = (await admin.http.get(TOKENS, params={"minted_by": str(oid), "page_size": 1})).json()
    rest = await listed(admin, minted_by=oid, cursor=page["meta"]["pagination"]["next_cursor"])

    assert shown["minter"] == {"kind": "service_account", "id": key["id"], "credential_id": key["id"]}
    assert (shown["jti"], shown["end_user"], shown["model_tier"]) == (by_key["jti"], "zoe", "SMART")
    assert (shown["is_live"], "token" in shown) == (True, False)
    assert [one["jti"] for one in await listed(admin, credential_id=key["id"])] == [by_key["jti"]]
    assert [one["jti"] for one in page["data"] + rest] == [one["jti"] for one in reversed(by_user)]
    assert {one["jti"] for one in await listed(user)} == {one["jti"] for one in by_user}
    assert await listed(stranger, session_id=by_key["session_id"]) == []


async def test_many_tokens_are_revoked_by_what_they_have_in_common(
    people: People, tenant: Tenant, admin: Client
) -> None:
    _, user = await people.join(tenant.id, "User")
    session, other = await user.open(), await user.open()
    tokens = [await minted(user, session) for _ in range(3)]
    kept = await minted(user, other)

    by_nobody = await admin.http.delete(TOKENS)
    _, stranger = await people.join(tenant.id, "User")
    by_a_stranger = await stranger.http.delete(TOKENS, params={"session_id": session})
    by_admin = [await admin.http.delete(TOKENS, params={"session_id": session}) for _ in range(2)]

    assert told(by_nobody) == (422, "token_filter_missing")
    assert by_a_stranger.json()["data"]["revoked"] == 0
    assert [one.json()["data"]["revoked"] for one in by_admin] == [3, 0]
    assert [await opens(people, one) for one in (*tokens, kept)] == [False, False, False, True]


async def test_the_platform_lists_and_revokes_tokens_of_a_session_that_it_names(
    people: People, rows: Rows, tenant: Tenant
) -> None:
    relay = people.client((await rows.platform()).api_key)
    token = await minted(relay, await relay.open(client_id=str(tenant.id)))
    asked = {"session_id": token["session_id"]}

    unnamed = await relay.http.get(TOKENS)
    anothers = await relay.http.get(TOKENS, params={"session_id": str(uuid4())})
    shown = await listed(relay, **asked)
    revoked = await relay.http.delete(TOKENS, params=asked)

    assert told(unnamed) == (422, "token_filter_missing")
    assert told(anothers) == (404, "session_not_found")
    assert [one["jti"] for one in shown] == [token["jti"]]
    assert revoked.json()["data"]["revoked"] == 1


async def test_an_admin_ends_a_token_of_somebody_elses_session(
    people: People, tenant: Tenant, admin: Client
) -> None:
    _, user = await people.join(tenant.id, "User")
    token = await minted(user, await user.open())

    answer = await admin.http.delete(f"{TOKENS}/{token['jti']}")

    assert answer.status_code == 200
    assert not await opens(people, token)


async def test_the_id_of_a_token_that_is_not_ones_own_is_as_good_as_none(
    people: People, rows: Rows, tenant: Tenant
) -> None:
    (_, user), (_, colleague) = [await people.join(tenant.id, "User") for _ in range(2)]
    token = await minted(user, await user.open())
    others = [
        colleague,
        people.client((await rows.tenant()).api_key),
        people.client((await rows.platform()).api_key),
    ]

    for other in others:
        answers = [(await other.http.delete(f"{TOKENS}/{jti}")).json() for jti in (token["jti"], uuid4())]
        assert (
            answers[0]["error"]
            == answers[1]["error"]
            == {"code": "session_token_not_found", "message": "No such session token."}
        )
    assert await opens(people, token)


@pytest.mark.parametrize(
    ("minted_for", "asked", "expected"),
    [
        (None, None, (202, None)),
        (None, "SMART", (403, "model_tier_not_allowed")),
        ("FAST", "SMART", (403, "model_tier_not_allowed")),
        ("SMART", "SMART", (202, None)),
        ("SMART", "FAST", (202, None)),
    ],
)
async def test_the_tier_is_fixed_when_the_token_is_minted(
    people: People, client: Client, minted_for: str | None, asked: str | None, expected: object
) -> None:
    session = await client.open()
    token = await minted(client, session, **({"model_tier": minted_for} if minted_for else {}))
    end_user = people.client(token["token"])

    answer = await end_user.post(session, "Hello", **({"model_tier": asked} if asked else {}))

    assert told(answer) == expected


async def test_an_end_user_stops_turns_of_their_own_session_only(
    people: People, rows: Rows, client: Client
) -> None:
    session, other = await client.open(agent_id=await rows.agent(SLOW)), await client.open()
    end_user = people.client((await minted(client, session))["token"])
    own = (await end_user.say(session, "Take your time"))["chat_turn_id"]
    anothers = (await client.say(other, "Hello"))["chat_turn_id"]

    stopped = await end_user.http.post(f"{SESSIONS}/{session}/turns/{own}/cancel")
    of_another = await end_user.http.post(f"{SESSIONS}/{other}/turns/{anothers}/cancel")
    through_own = await end_user.http.post(f"{SESSIONS}/{session}/turns/{anothers}/cancel")

    assert stopped.status_code == 200
    assert (await client.ended(session, own))["status"] == "CANCELLED"
    assert told(of_another) == (404, "session_not_found")
    assert told(through_own) == (404, "turn_not_found")


async def test_who_may_not_talk_to_the_agent_any_more_mints_no_token_to_do_so(
    people: People, tenant: Tenant, admin: Client
) -> None:
    _, user = await people.join(tenant.id, "User")
    made = await admin.http.post(
        "/public-api/agents", json={"autonomy_type": "CONVERSATIONAL", "name": "For a while"}
    )
    agent_id = made.json()["data"]["id"]
    session = await user.open(agent_id=agent_id)
    await admin.http.patch(f"/public-api/agents/{agent_id}", json={"access": "ADMINS_ONLY"})

    answer = await user.http.post(MINT, json={"session_id": session})

    assert told(answer) == (403, "agent_access_denied")


@pytest.mark.parametrize("role", ["Admin", "User"])
async def test_tails_end_when_their_technician_is_lowered_or_who_minted_their_token_is(
    people: People, tenant: Tenant, admin: Client, role: str
) -> None:
    oid, minter = await people.join(tenant.id, role)
    session = await minter.open()
    end_user = people.client((await minted(minter, session))["token"])
    lowered = {"role": "Viewer"}

    async with minter.stream(session, follow=True) as own, end_user.stream(session, follow=True) as theirs:
        await admin.http.patch(f"{TECHNICIANS}/{oid}", json=lowered)
        async with asyncio.timeout(LAPSE_SECONDS_MAX):
            for tail in (own, theirs):
                assert [event async for event in read_events(tail)] == []

    assert told(await end_user.http.get(f"{SESSIONS}/{session}")) == (401, "unauthenticated")


async def test_a_lowered_admin_hears_no_more_of_somebody_elses_session(
    people: People, tenant: Tenant, admin: Client
) -> None:
    oid, reader = await people.join(tenant.id, "Admin")
    _, user = await people.join(tenant.id, "User")
    session = await user.open()

    async with reader.stream(session, follow=True) as tail:
        await admin.http.patch(f"{TECHNICIANS}/{oid}", json={"role": "User"})
        async with asyncio.timeout(LAPSE_SECONDS_MAX):
            assert [event async for event in read_events(tail)] == []

    assert told(await reader.http.get(f"{SESSIONS}/{session}")) == (404, "session_not_found")
