"""Agents through the API: created, changed in part, listed, deleted, with every version kept."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from sqlalchemy import text

from support.client import Client
from support.people import People
from support.rows import Rows, Tenant
from support.server import Server

AGENTS = "/public-api/agents"
SOMEBODY = "0b1ec7ed-0000-4000-8000-0000000000aa"
WHOLE: dict[str, Any] = {
    "autonomy_type": "CONVERSATIONAL",
    "name": "Concierge",
    "description": "Greets.\nAnd helps.",
    "agent_settings": {"custom_instructions": "Be kind."},
    "audience": "END_USER",
    "access": "SPECIFIC_USERS",
    "access_user_ids": [SOMEBODY],
    "model": "scripted:tokens=3",
    "reasoning_effort": "low",
}


def code(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def made(client: Client, name: str = "Concierge", **fields: Any) -> dict[str, Any]:
    body = {"autonomy_type": "CONVERSATIONAL", "name": name, **fields}
    answer = await client.http.post(AGENTS, json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["data"])


async def audited(client: Client, **asked: str) -> list[dict[str, Any]]:
    return list((await client.http.get("/public-api/audit-log", params=asked)).json()["data"])


async def test_an_agent_is_kept_as_it_was_sent(own: Client) -> None:
    created = await made(own, **{name: value for name, value in WHOLE.items() if name != "autonomy_type"})
    read = (await own.http.get(f"{AGENTS}/{created['id']}")).json()["data"]

    assert created == read
    assert {name: read[name] for name in WHOLE} == WHOLE
    assert (read["version"], read["managed_agent_key"]) == (1, None)


async def test_what_is_not_sent_has_its_default(own: Client) -> None:
    created = await made(own)

    assert created["agent_settings"] == {"custom_instructions": ""}
    assert (created["audience"], created["access"], created["access_user_ids"]) == ("MSP", "ALL_USERS", [])
    assert (created["description"], created["model"], created["reasoning_effort"]) == ("", None, None)


async def test_the_creator_is_the_caller_whatever_the_body_says(
    own: Client, tenant: Tenant, people: People
) -> None:
    oid, admin = await people.join(tenant.id, "Admin")

    by_admin = await admin.http.post(
        AGENTS, json={"autonomy_type": "CONVERSATIONAL", "name": "A", "created_by_user": SOMEBODY}
    )
    by_key = await made(own)

    assert by_admin.json()["data"]["created_by_user"] == str(oid)
    assert by_admin.json()["meta"]["warnings"] == ["Unknown field ignored: created_by_user"]
    assert by_key["created_by_user"] not in (None, str(oid))


async def test_what_nobody_knows_is_named_within_objects_too(own: Client) -> None:
    body = {"autonomy_type": "CONVERSATIONAL", "name": "A", "gadgets": {}, "agent_settings": {"tone": "warm"}}

    answer = await own.http.post(AGENTS, json=body)

    assert answer.json()["meta"]["warnings"] == [
        "Unknown field ignored: gadgets",
        "Unknown field ignored: agent_settings.tone",
    ]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"autonomy_type": "AGENTIC", "trigger_type": "NONE"}, "autonomy_type_not_supported"),
        ({"autonomy_type": "CHAINED_ACTIONS", "name": 5}, "autonomy_type_not_supported"),
        ({"autonomy_type": "CHATTY", "name": "A"}, "validation_error"),
        ({"name": "A"}, "validation_error"),
        ({"name": ""}, "validation_error"),
        ({"name": "  "}, "validation_error"),
        ({"name": "x" * 201}, "validation_error"),
        ({"name": "a\u0007b"}, "validation_error"),
        ({"description": "x" * 2001}, "validation_error"),
        ({"description": None}, "validation_error"),
        ({"agent_settings": {"custom_instructions": "x" * 100_001}}, "validation_error"),
        ({"agent_settings": None}, "validation_error"),
        ({"access_user_ids": ["me"]}, "validation_error"),
        ({"access": "SPECIFIC_USERS", "access_user_ids": [SOMEBODY] * 1001}, "validation_error"),
        ({"access": "SPECIFIC_USERS"}, "agent_access_invalid"),
        ({"access": "SPECIFIC_USERS", "access_user_ids": []}, "agent_access_invalid"),
        ({"access_user_ids": [SOMEBODY]}, "agent_access_invalid"),
        ({"access": "ADMINS_ONLY", "access_user_ids": [SOMEBODY]}, "agent_access_invalid"),
        ({"model": "gpt-5"}, "model_misnamed"),
        ({"model": "nobody:gpt-5"}, "model_misnamed"),
        ({"reasoning_effort": "enormous"}, "validation_error"),
        ([], "validation_error"),
    ],
)
async def test_an_agent_that_cannot_be(own: Client, body: Any, expected: str) -> None:
    default = {"name": "A"} if "autonomy_type" in body else {"autonomy_type": "CONVERSATIONAL", "name": "A"}
    sent = body if not isinstance(body, dict) or body == {"name": "A"} else {**default, **body}

    answer = await own.http.post(AGENTS, json=sent)

    assert code(answer) == (422, expected)
    assert answer.json()["error"]["details"]["fields"]
    assert len((await own.http.get(AGENTS)).json()["data"]) == 1


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_only_what_is_sent_changes(own: Client, method: str) -> None:
    created = await made(own, **{name: value for name, value in WHOLE.items() if name != "autonomy_type"})
    url = f"{AGENTS}/{created['id']}"

    changed = (await own.http.request(method, url, json={"name": "Butler", "model": None})).json()["data"]

    same = {name: value for name, value in WHOLE.items() if name not in ("name", "model")}
    assert {name: changed[name] for name in same} == same
    assert (changed["name"], changed["model"], changed["version"]) == ("Butler", None, 2)
    assert changed["updated_at"] > created["updated_at"]


async def test_settings_are_replaced_as_a_whole(own: Client) -> None:
    created = await made(own, agent_settings={"custom_instructions": "Be kind."})

    changed = await own.http.put(f"{AGENTS}/{created['id']}", json={"agent_settings": {}})

    assert changed.json()["data"]["agent_settings"] == {"custom_instructions": ""}


@pytest.mark.parametrize(
    "body", [{}, {"name": "Concierge"}, {"version": 1}, {"audience": "MSP", "access_user_ids": []}]
)
async def test_a_change_that_changes_nothing_leaves_the_version(own: Client, body: dict[str, Any]) -> None:
    created = await made(own)

    answer = await own.http.put(f"{AGENTS}/{created['id']}", json=body)

    assert (answer.status_code, answer.json()["data"]) == (200, created)
    assert len(await audited(own, object_kind="agent", action="agent.updated")) == 0


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"name": None}, "validation_error"),
        ({"access": None}, "validation_error"),
        ({"agent_settings": None}, "validation_error"),
        ({"version": "1"}, "validation_error"),
        ({"audience": "END_USER"}, "agent_field_immutable"),
        ({"autonomy_type": "AGENTIC", "name": "B"}, "agent_field_immutable"),
        ({"access": "SPECIFIC_USERS"}, "agent_access_invalid"),
        ({"access_user_ids": [SOMEBODY]}, "agent_access_invalid"),
        ({"model": "nobody:x"}, "model_misnamed"),
    ],
)
async def test_a_change_that_is_refused_changes_nothing(
    own: Client, body: dict[str, Any], expected: str
) -> None:
    created = await made(own)

    answer = await own.http.put(f"{AGENTS}/{created['id']}", json=body)

    assert code(answer) == (422, expected)
    assert (await own.http.get(f"{AGENTS}/{created['id']}")).json()["data"] == created


async def test_users_go_when_the_access_no_longer_names_any(own: Client) -> None:
    created = await made(own, access="SPECIFIC_USERS", access_user_ids=[SOMEBODY, SOMEBODY])

    opened = await own.http.put(f"{AGENTS}/{created['id']}", json={"access": "ALL_USERS"})

    assert created["access_user_ids"] == [SOMEBODY]
    assert opened.json()["data"]["access_user_ids"] == []


async def test_of_two_changes_to_one_version_one_is_a_conflict(own: Client) -> None:
    created = await made(own)
    url = f"{AGENTS}/{created['id']}"

    answers = await asyncio.gather(
        *(own.http.put(url, json={"name": f"Butler {n}", "version": 1}) for n in range(5))
    )

    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert code(refused) == (409, "agent_update_conflict")
    assert refused.json()["error"]["details"] == {"version": 2}
    assert (await own.http.get(url)).json()["data"]["version"] == 2


async def test_every_version_is_kept(own: Client) -> None:
    created = await made(own, agent_settings={"custom_instructions": "One."})
    url = f"{AGENTS}/{created['id']}"
    for word in ("Two.", "Three."):
        await own.http.put(url, json={"agent_settings": {"custom_instructions": word}})

    listed = (await own.http.get(f"{url}/versions")).json()["data"]
    first = (await own.http.get(f"{url}/versions/1")).json()["data"]

    assert [version["version"] for version in listed] == [3, 2, 1]
    assert {version["changed_by_user"] for version in listed} == {created["created_by_user"]}
    assert first["agent"]["agent_settings"] == {"custom_instructions": "One."}
    assert first["agent"]["name"] == "Concierge"


@pytest.mark.parametrize("version", ["2", "0", "-1", "one", str(2**31), "9" * 30])
async def test_a_version_that_never_was(own: Client, version: str) -> None:
    created = await made(own)

    answer = await own.http.get(f"{AGENTS}/{created['id']}/versions/{version}")

    assert code(answer) == (404, "agent_version_not_found")


async def test_lists_are_paged_to_their_end(own: Client, other: Client) -> None:
    names = [(await made(own, f"Agent {n}"))["name"] for n in range(5)]
    expected = [*names[::-1], "Neo Support"]

    found, cursor = [], None
    while True:
        params = {"page_size": 2, **({"cursor": cursor} if cursor else {})}
        page = (await own.http.get(AGENTS, params=params)).json()
        found += [agent["name"] for agent in page["data"]]
        cursor = page["meta"]["pagination"]["next_cursor"] or cursor
        if not page["meta"]["pagination"]["has_more"]:
            break

    assert found == expected
    assert code(await other.http.get(AGENTS, params={"cursor": cursor})) == (400, "invalid_cursor")


async def test_lists_leave_the_instructions_out(own: Client) -> None:
    await made(own, agent_settings={"custom_instructions": "x" * 100_000})

    assert len((await own.http.get(AGENTS)).content) < 5000


async def test_a_deleted_agent_is_not_there(own: Client) -> None:
    created = await made(own)
    url = f"{AGENTS}/{created['id']}"

    deleted = await own.http.delete(url)

    assert (deleted.status_code, deleted.json()["data"]) == (200, {"id": created["id"]})
    for method, path in [
        ("GET", ""),
        ("PUT", ""),
        ("DELETE", ""),
        ("GET", "/versions"),
        ("GET", "/versions/1"),
    ]:
        assert code(await own.http.request(method, url + path, json={})) == (404, "agent_not_found")
    assert [agent["name"] for agent in (await own.http.get(AGENTS)).json()["data"]] == ["Neo Support"]
    opened = await own.http.post("/public-api/chat/sessions", json={"agent_id": created["id"]})
    assert code(opened) == (404, "agent_not_found")


async def test_an_accepted_turn_of_a_deleted_agent_is_run(own: Client) -> None:
    created = await made(own, model="scripted:tokens=20,delay_ms=20")
    session = await own.open(agent_id=created["id"])
    accepted = await own.say(session, "Hello")

    await own.http.delete(f"{AGENTS}/{created['id']}")

    assert (await own.ended(session, accepted["chat_turn_id"]))["status"] == "COMPLETED"
    assert len((await own.messages(session))["messages"]) == 2


async def test_an_agent_that_a_channel_is_bound_to_is_in_use(own: Client, tenant: Tenant, rows: Rows) -> None:
    agent = (await made(own))["id"]
    url, channel = f"{AGENTS}/{agent}", uuid4()
    await _bind(rows, tenant.id, agent, channel)

    assert code(await own.http.delete(url)) == (409, "agent_in_use")

    await _bind(rows, tenant.id, agent, channel, is_deleted=True)
    assert (await own.http.delete(url)).status_code == 200


async def test_neos_own_agent_can_be_neither_changed_nor_deleted(own: Client) -> None:
    [support] = (await own.http.get(AGENTS)).json()["data"]
    url = f"{AGENTS}/{support['id']}"

    assert support["managed_agent_key"] == "NEO_SUPPORT"
    for method in ("PUT", "PATCH", "DELETE"):
        assert code(await own.http.request(method, url, json={"name": "Mine"})) == (
            403,
            "agent_managed_by_neo",
        )


@pytest.mark.parametrize("agent_id", ["0", "-1", "01", "abc", "1.0", "9" * 19, "9" * 40, str(2**63)])
async def test_an_id_that_names_nothing(own: Client, agent_id: str) -> None:
    for method, path in [
        ("GET", ""),
        ("PUT", ""),
        ("DELETE", ""),
        ("GET", "/versions"),
        ("GET", "/versions/1"),
    ]:
        answer = await own.http.request(method, f"{AGENTS}/{agent_id}{path}", json={"name": 5})
        assert code(answer) == (404, "agent_not_found")


async def test_another_tenants_agent_is_as_if_it_were_not_there(own: Client, other: Client) -> None:
    theirs = (await made(other))["id"]

    for method, path in [
        ("GET", ""),
        ("PUT", ""),
        ("DELETE", ""),
        ("GET", "/versions"),
        ("GET", "/versions/1"),
    ]:
        for body in ({}, {"name": 5}):
            foreign = await own.http.request(method, f"{AGENTS}/{theirs}{path}", json=body)
            nobodys = await own.http.request(method, f"{AGENTS}/999999999{path}", json=body)
            assert code(foreign) == code(nobodys) == (404, "agent_not_found")
            assert foreign.json()["error"] == nobodys.json()["error"]


async def test_users_see_what_they_may_talk_to(own: Client, tenant: Tenant, people: People) -> None:
    oid, user = await people.join(tenant.id, "User")
    _, viewer = await people.join(tenant.id, "Viewer")
    _, admin = await people.join(tenant.id, "Admin")
    for_all = (await made(own, "For all"))["id"]
    for_user = (await made(own, "For one", access="SPECIFIC_USERS", access_user_ids=[str(oid)]))["id"]
    for_admins = (await made(own, "For admins", access="ADMINS_ONLY"))["id"]
    support = (await own.http.get(AGENTS)).json()["data"][-1]["id"]

    seen = {
        who: [agent["id"] for agent in (await one.http.get(AGENTS)).json()["data"]]
        for who, one in [("user", user), ("viewer", viewer), ("admin", admin)]
    }

    assert seen == {
        "user": [for_user, for_all],
        "viewer": [for_all],
        "admin": [for_admins, for_user, for_all, support],
    }
    for hidden in (for_admins, support):
        for path in ("", "/versions", "/versions/1"):
            assert code(await user.http.get(f"{AGENTS}/{hidden}{path}")) == (404, "agent_not_found")
    assert (await user.http.get(f"{AGENTS}/{for_user}/versions/1")).status_code == 200


async def test_who_may_not_change_the_setup_is_told_before_the_body_is_read(
    own: Client, tenant: Tenant, people: People, rows: Rows, server: Server
) -> None:
    agent = (await made(own))["id"]
    platform = Client(server.url, (await rows.platform()).api_key)
    callers = [(await people.join(tenant.id, role))[1] for role in ("User", "Viewer")]

    for caller in [*callers, platform]:
        for method, path in [
            ("POST", ""),
            ("PUT", f"/{agent}"),
            ("PATCH", f"/{agent}"),
            ("DELETE", f"/{agent}"),
        ]:
            answer = await caller.http.request(method, AGENTS + path, content=b"{")
            assert code(answer) == (403, "caller_not_allowed")
    assert code(await platform.http.get(AGENTS)) == (403, "caller_not_allowed")
    await platform.http.aclose()


async def test_each_change_is_on_record_without_what_it_says(own: Client) -> None:
    agent = (await made(own, agent_settings={"custom_instructions": "A secret."}))["id"]
    answer = await own.http.put(
        f"{AGENTS}/{agent}", json={"name": "B", "agent_settings": {"custom_instructions": "Another secret."}}
    )
    await own.http.delete(f"{AGENTS}/{agent}")

    entries = await audited(own, object_kind="agent", object_id=str(agent))

    assert [entry["action"] for entry in entries] == ["agent.deleted", "agent.updated", "agent.created"]
    assert entries[1]["details"] == {"fields": ["instructions", "name"]}
    assert entries[1]["request_id"] == answer.json()["meta"]["request_id"]
    assert {entry["actor_kind"] for entry in entries} == {"service_account"}
    assert "secret" not in str(entries)


async def _bind(
    rows: Rows, tenant_id: UUID, agent_id: int, channel: UUID, *, is_deleted: bool = False
) -> None:
    async with rows.database.transaction(tenant_id) as db:
        await db.execute(
            text(
                "INSERT INTO channels (id, tenant_id, agent_id, transport, audience, internal_name) "
                "VALUES (:id, :tenant, :agent, 'TEAMS', 'MSP', 'x') "
                "ON CONFLICT (id) DO UPDATE SET deleted_at = CASE WHEN :is_deleted THEN now() END"
            ),
            {"id": channel, "tenant": tenant_id, "agent": agent_id, "is_deleted": is_deleted},
        )
