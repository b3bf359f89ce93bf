"""Every door is tried by everybody: who may not come in is told so, and who is another tenant finds nothing there."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from contract.door_objects import Household, Ids, make_household, revoked_key
from contract.door_table import DOORS, EVERY_DOOR, EVERYBODY, PUBLIC, Door
from neo.access import new_key
from support.client import SESSIONS, Client
from support.document import DOCUMENT
from support.people import People
from support.rows import Rows
from support.server import Server

OPERATIONS = [(method, path) for path, methods in DOCUMENT["paths"].items() for method in methods]
WRONG = [
    {},
    {"authorization": "Bearer"},
    {"authorization": "Bearer nonsense"},
    {"authorization": "Basic bmVvOm5lbw=="},
    {"authorization": f"Bearer {new_key('local')}"},
    {"authorization": f"Bearer {new_key('prod')}"},
    {"authorization": f"Bearer {new_key('local')[:-1]}x"},
    {"authorization": "Bearer eyJhbGciOiJub25lIn0.e30.x"},
]
each_door = pytest.mark.parametrize("door", EVERY_DOOR, ids=str)
each_door_to_an_object = pytest.mark.parametrize(
    "door", [door for door in EVERY_DOOR if door.names_an_object], ids=str
)


@pytest.fixture(scope="module")
async def household(rows: Rows, people: People) -> Household:
    return await make_household(people, await rows.tenant("The first"))


@pytest.fixture(scope="module")
async def neighbour(rows: Rows, people: People) -> Household:
    """Another tenant, with an Admin and an account of its own."""
    return await make_household(people, await rows.tenant("The neighbour"))


@pytest.fixture(scope="module")
async def callers(household: Household, rows: Rows, people: People) -> dict[str, Client]:
    """One of each kind, all of the first tenant but the platform."""
    roles = {role: (await people.join(household.tenant.id, role))[1] for role in ("User", "Viewer")}
    return {
        **roles,
        "Admin": household.admin,
        "account": household.account,
        "token": people.client(household.ids["token"]),
        "platform": people.client((await rows.platform()).api_key),
    }


@pytest.fixture
async def nobody(server: Server) -> AsyncIterator[Client]:
    client = Client(server.url, "")
    yield client
    await client.http.aclose()


def test_every_route_is_in_the_table() -> None:
    assert set(OPERATIONS) - PUBLIC == set(DOORS)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
async def test_every_route_turns_strangers_away(nobody: Client, method: str, path: str) -> None:
    filled = path.format_map(Ids())

    for headers in WRONG:
        answer = await nobody.http.request(method, filled, headers=headers, content=b"{")
        assert (answer.status_code == 401) == ((method, path) not in PUBLIC), (headers, answer.text)
        if answer.status_code == 401:
            assert answer.json()["error"]["code"] == "unauthenticated"
            assert answer.headers["www-authenticate"] == "Bearer"


async def test_c4_a_revoked_key_opens_no_door(household: Household, people: People) -> None:
    revoked = people.client(await revoked_key(household))

    for door in EVERY_DOOR:
        answer = await revoked.http.request(door.method, door.path.format_map(household.ids), content=b"{")
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthenticated"), door


@each_door
async def test_the_table_says_who_is_let_in(
    callers: dict[str, Client], household: Household, door: Door
) -> None:
    # Objects that are nobody's, and half a body: who is let in changes nothing.
    # But for a token, which knows no session but its own.
    own = Ids(session_id=household.ids["session_id"])

    for name, caller in callers.items():
        path = door.path.format_map(own if name == "token" else Ids())
        asked = caller.http.build_request(door.method, path, content=b"{")
        answer = await caller.http.send(asked, stream=True)
        if name in door.callers:
            assert answer.status_code not in (401, 403), name
            assert answer.status_code < 500, name
        else:
            await answer.aread()
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "caller_not_allowed"), name
        await answer.aclose()


def test_the_table_names_callers_that_there_are(callers: dict[str, Client]) -> None:
    assert set(callers) == EVERYBODY


@each_door_to_an_object
@pytest.mark.parametrize("who", ["account", "admin"])
async def test_a1_a_neighbours_object_is_as_if_it_were_not_there(
    household: Household, neighbour: Household, door: Door, who: str
) -> None:
    caller: Client = getattr(neighbour, who)

    for content in (b"{}", b"{"):
        theirs, nobodys = [
            await caller.http.request(
                door.method,
                door.path.format_map(ids),
                content=content,
                headers={"content-type": "application/json"},
            )
            for ids in (household.ids, Ids())
        ]
        if {"account": "account", "admin": "Admin"}[who] in door.callers:
            assert theirs.status_code == nobodys.status_code == 404, theirs.text
        else:
            assert theirs.status_code == nobodys.status_code == 403
        assert theirs.json()["error"] == nobodys.json()["error"]
        assert _kept(theirs) == _kept(nobodys)


async def test_a1_nothing_of_the_neighbours_was_touched(household: Household, neighbour: Household) -> None:
    before = await household.seen()

    for door in EVERY_DOOR:
        if door.names_an_object:
            await neighbour.admin.http.request(door.method, door.path.format_map(household.ids), json={})

    assert await household.seen() == before


async def test_a1_a_list_shows_the_callers_tenant_only(household: Household, neighbour: Household) -> None:
    theirs = {value for name, value in household.ids.items() if name not in ("agent_id", "version")}

    for door in EVERY_DOOR:
        if door.method == "get" and not door.names_an_object and "Admin" in door.callers:
            answer = await neighbour.admin.http.get(door.path)
            assert answer.status_code == 200, door
            assert [one for one in theirs if one in answer.text] == [], door


@pytest.mark.parametrize(
    ("where", "code", "body"),
    [
        pytest.param(
            "chat/sessions",
            "agent_not_found",
            lambda ids: {"agent_id": int(ids["agent_id"])},
            id="A2-session",
        ),
        pytest.param(
            "channels",
            "agent_not_found",
            lambda ids: {"agent_id": int(ids["agent_id"]), "internal_name": "x", "audience": "END_USER"},
            id="A2-channel",
        ),
        pytest.param(
            "sessions", "session_not_found", lambda ids: {"session_id": ids["session_id"]}, id="A1-token"
        ),
    ],
)
async def test_a_neighbours_object_in_a_body_is_not_there_either(
    household: Household, neighbour: Household, where: str, code: str, body: Callable[[Ids], dict[str, Any]]
) -> None:
    theirs, nobodys = [
        await neighbour.admin.http.post(f"/public-api/{where}", json=body(ids))
        for ids in (household.ids, Ids())
    ]

    assert (theirs.status_code, theirs.json()["error"]["code"]) == (404, code)
    assert theirs.json()["error"] == nobodys.json()["error"]


async def test_a3_a4_a_child_is_found_under_its_own_parent_only(
    household: Household, neighbour: Household
) -> None:
    own, ids = household.account, household.ids
    other = await own.open()
    channel = await household.admin.http.post(
        "/public-api/channels",
        json={"internal_name": "Other", "audience": "END_USER", "agent_id": int(ids["agent_id"])},
    )
    channel_id = channel.json()["data"]["id"]

    answers = {
        "own session, own turn of another": await own.http.get(f"{SESSIONS}/{other}/turns/{ids['turn_id']}"),
        "own session, a neighbour's turn": await own.http.get(
            f"{SESSIONS}/{ids['session_id']}/turns/{neighbour.ids['turn_id']}"
        ),
        "own channel, install of another": await household.admin.http.delete(
            f"/public-api/channels/{channel_id}/installs/{ids['end_client_tenant_id']}"
        ),
        "own agent, no such version": await own.http.get(f"/public-api/agents/{ids['agent_id']}/versions/99"),
    }

    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(answers, 404)


async def test_b20_a_bearer_scheme_in_small_letters_is_valid_and_two_headers_are_not(
    server: Server, nobody: Client
) -> None:
    key = server.api_key

    small = await nobody.http.get(SESSIONS, headers={"authorization": f"bearer {key}"})
    twice = await nobody.http.get(SESSIONS, headers=[("authorization", f"Bearer {key}")] * 2)
    in_query = await nobody.http.get(SESSIONS, params={"access_token": key, "token": key})
    bare = await nobody.http.get(SESSIONS, headers={"authorization": "Bearer"})

    assert [one.status_code for one in (small, twice, in_query, bare)] == [200, 401, 401, 401]


def _kept(answer: Any) -> dict[str, str]:
    own = ("x-request-id", "date")
    return {name: value for name, value in answer.headers.items() if name not in own}
