"""The roster through the API: roles are for Admins, and there is always one of them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from support.client import Client
from support.people import People
from support.rows import Rows, Tenant
from support.server import Server

PEOPLE = "/public-api/technicians"


def code(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@pytest.fixture
async def tenant(rows: Rows) -> Tenant:
    return await rows.tenant("A tenant with people")


@pytest.fixture
async def own(server: Server, tenant: Tenant) -> AsyncIterator[Client]:
    client = Client(server.url, tenant.api_key)
    yield client
    await client.http.aclose()


async def added(client: Client, **fields: Any) -> dict[str, Any]:
    answer = await client.http.post(PEOPLE, json={"user_id": str(uuid4()), **fields})
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["data"])


async def log(client: Client, user_id: object) -> list[dict[str, Any]]:
    answer = await client.http.get("/public-api/audit-log", params={"object_id": str(user_id)})
    return list(answer.json()["data"])


async def test_somebody_is_added_changed_in_part_and_read(own: Client) -> None:
    created = await added(own, name="Ada", email="ada@example.com")
    url = f"{PEOPLE}/{created['user_id']}"

    changed = (await own.http.patch(url, json={"name": "Ada L.", "email": None})).json()["data"]

    assert (created["name"], created["role"], created["is_active"]) == ("Ada", "User", True)
    assert (changed["name"], changed["email"], changed["role"]) == ("Ada L.", None, "User")
    assert (await own.http.get(url)).json()["data"] == changed
    assert (await own.http.patch(url, json={})).json()["data"] == changed
    entries = await log(own, created["user_id"])
    assert [entry["action"] for entry in entries] == ["technician.updated", "technician.added"]
    assert entries[0]["details"] == {"fields": ["email", "name"]}


async def test_who_was_added_has_that_role_from_the_first_sign_in(
    own: Client, tenant: Tenant, people: People
) -> None:
    viewer = await added(own, role="Viewer")

    client = people.client(await people.token(tenant.id, UUID(viewer["user_id"]), roles=["Admin"]))

    assert code(await client.http.put("/public-api/settings", json={})) == (403, "caller_not_allowed")


async def test_somebody_is_added_once(own: Client) -> None:
    created = await added(own)

    answer = await own.http.post(PEOPLE, json={"user_id": created["user_id"].upper(), "name": "Other"})

    assert code(answer) == (409, "technician_exists")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"user_id": "ada"},
        {"role": "Owner"},
        {"role": None},
        {"name": ""},
        {"email": "ada"},
        {"email": "a@b@c"},
        {"email": "a b@c"},
        {"email": "x" * 250 + "@c.de"},
    ],
)
async def test_somebody_who_cannot_be(own: Client, body: dict[str, Any]) -> None:
    sent = body if not body else {"user_id": str(uuid4()), **body}

    assert code(await own.http.post(PEOPLE, json=sent)) == (422, "validation_error")
    assert (await own.http.get(PEOPLE)).json()["data"] == []


@pytest.mark.parametrize("body", [{"role": None}, {"is_active": None}, {"is_active": 0}, {"role": "admin"}])
async def test_a_change_that_cannot_be(own: Client, body: dict[str, Any]) -> None:
    url = f"{PEOPLE}/{(await added(own))['user_id']}"

    assert code(await own.http.patch(url, json=body)) == (422, "validation_error")


async def test_an_api_key_cannot_make_or_unmake_an_admin(own: Client, tenant: Tenant, people: People) -> None:
    ada, admin = await people.join(tenant.id, "Admin")
    await people.join(tenant.id, "Admin")
    user = (await added(own))["user_id"]

    refused = [
        await own.http.post(PEOPLE, json={"user_id": str(uuid4()), "role": "Admin"}),
        await own.http.patch(f"{PEOPLE}/{user}", json={"role": "Admin"}),
        await own.http.patch(f"{PEOPLE}/{user}", json={"role": "Viewer"}),
        await own.http.patch(f"{PEOPLE}/{ada}", json={"role": "User"}),
        await own.http.patch(f"{PEOPLE}/{ada}", json={"is_active": False}),
        await own.http.delete(f"{PEOPLE}/{ada}"),
        await own.http.delete(f"{PEOPLE}/{user}"),
    ]

    assert [code(answer) for answer in refused] == [(403, "caller_not_allowed")] * 7
    await admin.http.patch(f"{PEOPLE}/{ada}", json={"is_active": False})
    revived = await own.http.patch(f"{PEOPLE}/{ada}", json={"is_active": True})
    assert code(revived) == (403, "caller_not_allowed")
    assert (await own.http.patch(f"{PEOPLE}/{ada}", json={"name": "Ada"})).status_code == 200
    assert (await own.http.patch(f"{PEOPLE}/{user}", json={"is_active": False})).status_code == 200


async def test_a_new_role_counts_from_the_next_request(tenant: Tenant, people: People) -> None:
    _, admin = await people.join(tenant.id, "Admin")
    bob, user = await people.join(tenant.id, "User")

    before = await user.http.put("/public-api/settings", json={})
    await admin.http.patch(f"{PEOPLE}/{bob}", json={"role": "Admin"})
    after = await user.http.put("/public-api/settings", json={})

    assert [before.status_code, after.status_code] == [403, 200]
    assert (await log(admin, bob))[0]["details"] == {"fields": ["role"], "role": "Admin"}


async def test_who_is_locked_out_is_turned_away_and_may_come_back(
    own: Client, tenant: Tenant, people: People
) -> None:
    bob, user = await people.join(tenant.id, "User")

    await own.http.patch(f"{PEOPLE}/{bob}", json={"is_active": False})
    assert code(await user.http.get(PEOPLE)) == (403, "technician_inactive")

    await own.http.patch(f"{PEOPLE}/{bob}", json={"is_active": True})
    assert (await user.http.get(PEOPLE)).status_code == 200


async def test_who_is_removed_is_enrolled_anew_by_the_next_sign_in_with_an_app_role(
    tenant: Tenant, people: People
) -> None:
    _, admin = await people.join(tenant.id, "Admin")
    bob, _ = await people.join(tenant.id, "Viewer")

    removed = await admin.http.delete(f"{PEOPLE}/{bob}")
    gone = await admin.http.get(f"{PEOPLE}/{bob}")
    again = people.client(await people.token(tenant.id, bob, roles=["User"]))
    await again.http.get(PEOPLE)

    assert removed.json()["data"] == {"user_id": str(bob)}
    assert code(gone) == (404, "technician_not_found")
    assert (await admin.http.get(f"{PEOPLE}/{bob}")).json()["data"]["role"] == "User"


@pytest.mark.parametrize("body", [{"role": "User"}, {"is_active": False}, None])
async def test_the_last_active_admin_stays(
    tenant: Tenant, people: People, body: dict[str, Any] | None
) -> None:
    ada, admin = await people.join(tenant.id, "Admin")
    bob, _ = await people.join(tenant.id, "Admin")
    await admin.http.patch(f"{PEOPLE}/{bob}", json={"is_active": False})
    method = "DELETE" if body is None else "PATCH"

    last = await admin.http.request(method, f"{PEOPLE}/{ada}", json=body)

    assert code(last) == (409, "last_admin")
    assert (await admin.http.patch(f"{PEOPLE}/{ada}", json={"name": "Ada"})).status_code == 200
    # Who is locked out is no active Admin, and may go.
    assert (await admin.http.delete(f"{PEOPLE}/{bob}")).status_code == 200


async def test_two_admins_who_demote_each_other_leave_one(tenant: Tenant, people: People) -> None:
    for _ in range(5):
        (ada, one), (bob, two) = [await people.join(tenant.id, "Admin") for _ in range(2)]
        others = [who["user_id"] for who in await _admins(one) if who["user_id"] not in (str(ada), str(bob))]
        for other in others:
            await one.http.patch(f"{PEOPLE}/{other}", json={"role": "User"})

        answers = await asyncio.gather(
            one.http.patch(f"{PEOPLE}/{bob}", json={"role": "User"}),
            two.http.patch(f"{PEOPLE}/{ada}", json={"role": "User"}),
        )

        assert sorted(answer.status_code for answer in answers) in ([200, 403], [200, 409])
        assert len(await _admins(one)) == 1


async def test_the_roster_is_paged_to_its_end(own: Client, rows: Rows, server: Server) -> None:
    expected = [(await added(own))["user_id"] for _ in range(5)][::-1]

    found, cursor, more = [], None, True
    while more:
        params = {"page_size": 2, **({"cursor": cursor} if cursor else {})}
        page = (await own.http.get(PEOPLE, params=params)).json()
        found += [one["user_id"] for one in page["data"]]
        more, cursor = (
            page["meta"]["pagination"]["has_more"],
            page["meta"]["pagination"]["next_cursor"] or cursor,
        )

    assert found == expected
    stranger = Client(server.url, (await rows.tenant()).api_key)
    assert code(await stranger.http.get(PEOPLE, params={"cursor": cursor})) == (400, "invalid_cursor")
    await stranger.http.aclose()


async def test_another_tenants_people_are_as_if_they_were_not_there(
    own: Client, rows: Rows, people: People
) -> None:
    _, stranger = await people.join((await rows.tenant()).id, "Admin")
    theirs = (await added(own))["user_id"]

    for method in ("GET", "PATCH", "DELETE"):
        for user_id in (theirs, str(uuid4()), "nonsense"):
            for body in ({}, {"role": 5}):
                answer = await stranger.http.request(method, f"{PEOPLE}/{user_id}", json=body)
                assert code(answer) == (404, "technician_not_found")
                assert answer.json()["error"]["message"] == "No such technician in your tenant."


@pytest.mark.parametrize("role", ["User", "Viewer"])
async def test_users_read_the_roster_and_change_nothing(tenant: Tenant, people: People, role: str) -> None:
    own, caller = await people.join(tenant.id, role)

    assert (await caller.http.get(PEOPLE)).status_code == 200
    for method, path in [("POST", ""), ("PATCH", f"/{own}"), ("DELETE", f"/{own}")]:
        answer = await caller.http.request(method, PEOPLE + path, content=b"{")
        assert code(answer) == (403, "caller_not_allowed")


async def _admins(client: Client) -> list[dict[str, Any]]:
    listed = (await client.http.get(PEOPLE)).json()["data"]
    return [one for one in listed if one["role"] == "Admin" and one["is_active"]]
