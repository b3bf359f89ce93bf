"""What two tenants could find out about each other, or do to each other, by being on one server."""

import asyncio
import json
import statistics
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from contract.door_objects import Household, Ids, make_household
from contract.door_table import EVERY_DOOR
from neo.access import CallerKind, Credential, CredentialKind, Principal
from neo.chat.history import Reader
from neo.errors import Failure
from neo.tails.stored import SessionSnapshots
from support.client import SESSIONS, reply_of
from support.counting import CountingDatabase
from support.people import People
from support.rows import Rows, Tenant

LISTS = [door.path for door in EVERY_DOOR if door.method == "get" and not door.names_an_object]
# One of a kind, or a list that is a server's own and short.
UNPAGED = (
    *("/public-api/tenant", "/public-api/settings", "/public-api/models"),
    *("/public-api/schemas/tools", "/public-api/schemas/toolbox"),
)
PAGED = [path for path in LISTS if path not in UNPAGED]
EXECUTIONS = "/public-api/executions"
# What a list must be asked for, to have a row.
ASKED = {EXECUTIONS: {"trigger": "CHAT"}}
MINT = "/public-api/sessions"
TOKENS = f"{MINT}/tokens"
NESTED = [
    f"{SESSIONS}/{{session_id}}/messages",
    "/public-api/agents/{agent_id}/versions",
    "/public-api/channels/{channel_id}/installs",
    f"{EXECUTIONS}/{{execution_id}}/steps",
    f"{EXECUTIONS}/{{execution_id}}/artifacts",
]
SAMPLES = 200
# Not ids: what a path, a key or a pattern of a store could make something else of.
CROOKED = [
    "a:b",
    "%2e%2e",
    "a%2Fb",
    "*",
    "neo:x",
    "{id}:x",
    "{id}%00",
    "{id}%0a",
    "0",
    "-1",
    "1e3",
    "ａ",
]


@pytest.fixture(scope="module")
async def one(rows: Rows, people: People) -> Household:
    return await make_household(people, await rows.tenant("One"))


@pytest.fixture(scope="module")
async def other(rows: Rows, people: People) -> Household:
    return await make_household(people, await rows.tenant("Other"))


@pytest.mark.parametrize("path", PAGED)
async def test_a5_a_page_cursor_is_its_tenants_own_and_a_forged_one_shows_nothing_more(
    one: Household, other: Household, path: str
) -> None:
    cursor = await cursor_of(one, path)
    kind, *position = decoded(cursor)
    forged = encoded(kind.replace(str(one.tenant.id), str(other.tenant.id)), *position)

    asked = ASKED.get(path, {})
    refused = await other.admin.http.get(path, params={"cursor": cursor, **asked})
    followed = await other.admin.http.get(path, params={"cursor": forged, "page_size": 200, **asked})

    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "invalid_cursor")
    # Its place means something to its own tenant only: what is listed from there is the caller's.
    assert followed.status_code == 200
    theirs = {value for name, value in one.ids.items() if name not in ("agent_id", "version")}
    assert [value for value in theirs if value in followed.text] == []


@pytest.mark.parametrize("path", NESTED)
async def test_a5_a_page_cursor_is_good_for_one_parent(one: Household, other: Household, path: str) -> None:
    kind = {
        "messages": "messages:{id}:asc",
        "versions": "agent-versions:{tenant}:{id}",
        "installs": "installs:{id}",
        "steps": "steps:{id}",
        "artifacts": "artifacts:{id}",
    }
    name = path.partition("{")[2].partition("}")[0]
    places = {
        "installs": ["0b1f5ad2-6f0e-4b0a-9c51-d0f6f2f1c9a7"],
        "artifacts": ["2020-01-01T00:00:00Z", "0b1f5ad2-6f0e-4b0a-9c51-d0f6f2f1c9a7"],
    }
    made = encoded(
        kind[path.rpartition("/")[2]].format(id=other.ids[name], tenant=other.tenant.id),
        *places.get(path.rpartition("/")[2], [2]),
    )

    refused = await one.admin.http.get(path.format_map(one.ids), params={"cursor": made})
    own = await other.admin.http.get(path.format_map(other.ids), params={"cursor": made})

    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "invalid_cursor")
    assert own.status_code == 200


@pytest.mark.parametrize("path", PAGED + NESTED)
@pytest.mark.parametrize(
    "position",
    [
        [],
        [None],
        [True],
        [2**70],
        [-1],
        [1.5],
        ["x"],
        [{}],
        ["2020-01-01T00:00:00", "0b1f5ad2-6f0e-4b0a-9c51-d0f6f2f1c9a7"],
        ["\0"],
    ],
    ids=repr,
)
async def test_a5_a_place_that_is_none_is_refused(one: Household, path: str, position: list[Any]) -> None:
    kinds = {
        f"{SESSIONS}/{{session_id}}/messages": f"messages:{one.ids['session_id']}:asc",
        "/public-api/agents/{agent_id}/versions": f"agent-versions:{one.tenant.id}:{one.ids['agent_id']}",
        "/public-api/channels/{channel_id}/installs": f"installs:{one.ids['channel_id']}",
        f"{EXECUTIONS}/{{execution_id}}/steps": f"steps:{one.ids['execution_id']}",
        f"{EXECUTIONS}/{{execution_id}}/artifacts": f"artifacts:{one.ids['execution_id']}",
    }
    kind = kinds.get(path) or decoded(await cursor_of(one, path))[0]

    answer = await one.admin.http.get(path.format_map(one.ids), params={"cursor": encoded(kind, *position)})

    # The id of a company may be any name, and connections are paged by theirs.
    if not (path.endswith(("/end-companies", "/connections")) and position == ["x"]):
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_cursor")


async def test_a8_what_is_alike_in_two_tenants_is_apart(rows: Rows, people: People) -> None:
    tenants = [await rows.tenant(), await rows.tenant()]
    callers = [people.client(tenant.api_key) for tenant in tenants]
    agents = [await rows.agent("scripted:echo", tenant_id=tenant.id) for tenant in tenants]
    sessions = [
        await caller.open(agent_id=agent, title="The same")
        for caller, agent in zip(callers, agents, strict=True)
    ]

    accepted = await asyncio.gather(
        *(
            caller.say(session, f"Of tenant {number}", client_message_id="the-same")
            for number, (caller, session) in enumerate(zip(callers, sessions, strict=True))
        )
    )

    for number, (caller, session) in enumerate(zip(callers, sessions, strict=True)):
        turn = accepted[number]["chat_turn_id"]
        await caller.ended(session, turn)
        reply = reply_of(await caller.messages(session), turn)
        assert f"Of tenant {number}" in str(reply)
        assert f"Of tenant {1 - number}" not in str(reply)
        assert [one["id"] for one in (await caller.http.get(SESSIONS)).json()["data"]] == [session]


async def test_a9_a_neighbours_id_costs_what_an_unknown_one_costs(
    one: Household, other: Household, database: CountingDatabase
) -> None:
    reader, caller = Reader(database), principal(other.tenant)
    foreign = UUID(one.ids["session_id"])
    reads: dict[str, Callable[[UUID], Awaitable[object]]] = {
        "session": lambda session: reader.session(caller, session),
        "opening": lambda session: SessionSnapshots(database).opening(caller, session),
        "transcript": lambda session: reader.transcript(caller, session, 50, after=None, newest_first=False),
        "turn": lambda session: reader.turn(caller, session, UUID(one.ids["turn_id"])),
    }

    for name, read in reads.items():
        asked = []
        for session in (foreign, uuid4()):
            with pytest.raises(Failure, match="No such chat session"):
                await read(session)
            asked.append(database.taken())
        assert asked[0] == asked[1], name

    seconds: dict[str, list[float]] = {"foreign": [], "unknown": []}
    for _ in range(SAMPLES):
        for kind, session in (("foreign", foreign), ("unknown", uuid4())):
            began = time.perf_counter()
            with pytest.raises(Failure):
                await reader.session(caller, session)
            seconds[kind].append(time.perf_counter() - began)
    # The queries are the same; this is a wide net for what nobody has thought of. In pairs, for what else the machine
    # does slows down both of one.
    ratios = [first / second for first, second in zip(*seconds.values(), strict=True)]
    assert statistics.median(ratios) == pytest.approx(1, rel=0.25)


async def test_a9_an_error_tells_no_times(one: Household, other: Household) -> None:
    answer = await other.account.http.get(f"{SESSIONS}/{one.ids['session_id']}")

    assert set(answer.json()["meta"]) == {"request_id"}
    assert not [name for name in answer.headers if "timing" in name]


async def test_a10_a_suspended_tenant_is_out_within_five_seconds(rows: Rows, people: People) -> None:
    tenant = await rows.tenant("To be suspended")
    account = people.client(tenant.api_key)
    _, technician = await people.join(tenant.id, "User")
    session, own = await account.open(), await technician.open()

    async with account.stream(session, follow=True) as tail, technician.stream(own, follow=True) as second:
        began = time.monotonic()
        async with rows.owner.without_tenant() as owner:
            await owner.execute(
                text("UPDATE tenants SET suspended_at = now() WHERE id = :id"), {"id": tenant.id}
            )
        refused = [await one.http.get(SESSIONS) for one in (account, technician)]
        async with asyncio.timeout(5):
            bodies = [b"".join([piece async for piece in one.aiter_bytes()]) for one in (tail, second)]

    assert {(a.status_code, a.json()["error"]["code"]) for a in refused} == {(403, "tenant_suspended")}
    assert all(b"retry:" in body for body in bodies)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("crooked", CROOKED)
async def test_a11_what_is_no_id_is_found_nowhere(one: Household, crooked: str) -> None:
    for door in EVERY_DOOR:
        for name in (
            "session_id",
            "turn_id",
            "jti",
            "channel_id",
            "psa_company_id",
            "agent_id",
            "user_id",
            "key_id",
            "execution_id",
        ):
            if f"{{{name}}}" not in door.path or "Admin" not in door.callers:
                continue
            ids = Ids(one.ids, **{name: crooked.replace("{id}", one.ids[name])})
            answer = await one.admin.http.request(
                door.method,
                door.path.format_map(ids),
                content=b"{}",
                headers={"content-type": "application/json"},
            )
            # What the path becomes of it may be another one, which takes no such method, or none that a path may be.
            assert answer.status_code in (400, 404, 405), (door, crooked, answer.text)


async def test_a12_ids_say_nothing_of_how_many_there_are(one: Household, other: Household) -> None:
    random = ("session_id", "turn_id", "channel_id", "key_id", "jti")

    assert {UUID(of.ids[name]).version for of in (one, other) for name in random} == {4}
    for ids, caller in ((one.ids, other), (other.ids, one)):
        answer = await caller.admin.http.get(f"/public-api/agents/{ids['agent_id']}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "agent_not_found")


async def cursor_of(household: Household, path: str) -> str:
    """A cursor that the list has given; a second row is made where there is only one."""
    answer = await household.admin.http.get(path, params={"page_size": 1, **ASKED.get(path, {})})
    assert answer.status_code == 200, answer.text
    cursor = answer.json()["meta"]["pagination"]["next_cursor"]
    if cursor is not None:
        return str(cursor)
    await _one_more(household, path)
    return await cursor_of(household, path)


async def _one_more(household: Household, path: str) -> None:
    bodies = {
        SESSIONS: {"managed_agent_key": "NEO_SUPPORT"},
        "/public-api/channels": {
            "internal_name": "One more",
            "audience": "END_USER",
            "agent_id": int(household.ids["agent_id"]),
        },
        "/public-api/end-companies": {"psa_company_id": f"c-{uuid4()}", "psa_company_name": "One more"},
        "/public-api/api-keys": {"name": "One more"},
        "/public-api/technicians": {"user_id": str(uuid4()), "role": "User"},
        EXECUTIONS: {"message": "One more"},
        TOKENS: {"session_id": household.ids["session_id"]},
        "/public-api/connections": {
            "name": f"tools-{uuid4().hex[:12]}",
            "kind": "MCP_HTTP",
            "url": "https://mcp.example/",
            "audience": "MSP",
            "auth": {"type": "NONE"},
        },
        "/public-api/tool-stops": {"scope": "TENANT"},
    }
    # A token is minted where it does not lie, and for a session of one's own.
    messages = f"{SESSIONS}/{household.ids['session_id']}/messages"
    elsewhere = {TOKENS: (household.account, MINT), EXECUTIONS: (household.account, messages)}
    caller, where = elsewhere.get(path, (household.admin, path))
    method = "PUT" if path == "/public-api/tool-stops" else "POST"
    answer = await caller.http.request(method, where, json=bodies[path])
    assert answer.is_success, answer.text


def decoded(cursor: str) -> list[Any]:
    return list(json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))))


def encoded(*parts: Any) -> str:
    return urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def principal(tenant: Tenant) -> Principal:
    account = uuid4()
    return Principal(
        CallerKind.SERVICE_ACCOUNT,
        tenant.id,
        tenant.id,
        account,
        Credential(CredentialKind.API_KEY, tenant.id, account),
    )
