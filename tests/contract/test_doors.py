"""Every route turns strangers away, and every tenant-owned one the other tenant."""

from typing import Any
from uuid import uuid4

import pytest

from neo.access import new_key
from neo.described import document
from support.client import SESSIONS, Client
from support.rows import Rows
from support.server import Server

# Open to everybody, or to whoever holds a signed URL, by name.
SIGNED = {("put", "/public-api/blobs/{path}"), ("get", "/public-api/blobs/{path}")}
PUBLIC = {("get", "/public-api/health"), ("get", "/public-api/ready"), *SIGNED}
OPERATIONS = [(method, path) for path, methods in document()["paths"].items() for method in methods]
OWNED = [(method, path) for method, path in OPERATIONS if "{session_id}" in path]
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


class Anything(dict[str, str]):
    """An id for whatever a path asks for."""

    def __missing__(self, name: str) -> str:
        return "1" if name in ("agent_id", "version") else str(uuid4())


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
async def test_every_route_turns_strangers_away(server: Server, method: str, path: str) -> None:
    stranger = Client(server.url, "")
    filled = path.format_map(Anything())

    for headers in WRONG:
        answer = await stranger.http.request(method, filled, headers=headers, content=b"{")
        assert (answer.status_code == 401) == ((method, path) not in PUBLIC), (headers, answer.text)
        if answer.status_code == 401:
            assert answer.json()["error"]["code"] == "unauthenticated"
            assert answer.headers["www-authenticate"] == "Bearer"
    await stranger.http.aclose()


@pytest.mark.parametrize(("method", "path"), OWNED)
async def test_another_tenants_session_is_as_if_it_were_not_there(
    client: Client, rows: Rows, method: str, path: str
) -> None:
    session = await client.open()
    accepted = await client.say(session, "A secret of the first tenant.")
    await client.ended(session, accepted["chat_turn_id"])
    tenant = await rows.tenant()
    other = Client(str(client.http.base_url), tenant.api_key)
    body = {"message": "Hello"} if method == "post" else None

    theirs = await other.http.request(
        method, path.format(session_id=session, turn_id=accepted["chat_turn_id"]), json=body
    )
    nobodys = await other.http.request(method, path.format(session_id=uuid4(), turn_id=uuid4()), json=body)

    assert theirs.status_code == nobodys.status_code == 404
    assert theirs.json()["error"] == nobodys.json()["error"]
    assert _kept(theirs) == _kept(nobodys)
    await other.http.aclose()


async def test_a_list_shows_the_callers_tenant_only(client: Client, rows: Rows) -> None:
    await client.open()
    tenant = await rows.tenant()
    other = Client(str(client.http.base_url), tenant.api_key)

    listed = (await other.http.get(SESSIONS)).json()["data"]

    assert listed == []
    await other.http.aclose()


async def test_another_tenants_agent_cannot_be_opened(client: Client, rows: Rows) -> None:
    tenant = await rows.tenant()
    agent_id = await rows.agent(tenant_id=tenant.id)

    answer = await client.http.post(SESSIONS, json={"agent_id": agent_id})

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "agent_not_found")


async def test_a_turn_of_another_session_is_not_found_under_this_one(client: Client) -> None:
    one, other = await client.open(), await client.open()
    accepted = await client.say(one, "Hello")

    answer = await client.http.get(f"{SESSIONS}/{other}/turns/{accepted['chat_turn_id']}")

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "turn_not_found")
    await client.ended(one, accepted["chat_turn_id"])


async def test_a_bearer_scheme_in_small_letters_is_valid_and_two_headers_are_not(server: Server) -> None:
    nobody = Client(server.url, "")
    key = server.api_key

    small = await nobody.http.get(SESSIONS, headers={"authorization": f"bearer {key}"})
    twice = await nobody.http.get(SESSIONS, headers=[("authorization", f"Bearer {key}")] * 2)
    in_query = await nobody.http.get(SESSIONS, params={"access_token": key, "token": key})

    assert [small.status_code, twice.status_code, in_query.status_code] == [200, 401, 401]
    await nobody.http.aclose()


def _kept(answer: Any) -> dict[str, str]:
    own = ("x-request-id", "date")
    return {name: value for name, value in answer.headers.items() if name not in own}
