"""Channels through the API: an agent bound to a transport, of one audience, with a bot of its own."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import insert, select, update

from channels.desk import CHANNELS, Desk, code
from neo.agents import Agent, AutonomyType, ManagedAgentKey
from neo.channels import Channel, ChannelInstall
from support.client import Client
from support.people import People
from support.rows import Rows
from support.server import Server

BRANDING = {
    "internal_name": "Acme help",
    "display_name": "Acme",
    "description": "Help for everybody.\r\n\tDay and night.",
    "color_icon_url": "https://cdn.example/c.png?v=1",
    "outline_icon_url": "https://cdn.example:8443/o.png",
    "welcome_message": "Welcome 👋",
    "relay_prefix": "[Acme] ",
}
NULLABLE = [name for name in (*BRANDING, "bot_id") if name != "internal_name"]


async def test_a_channel_is_kept_as_it_was_sent(desk: Desk) -> None:
    bot_id = await desk.bot()
    sent = {**BRANDING, "show_agent_progress_steps": False, "status": "DISCONNECTED", "transport": "TEAMS"}

    created = await desk.make(audience="END_USER", bot_id=bot_id.upper(), **sent)

    assert created == (await desk.get(f"/{created['id']}")).json()["data"]
    assert {name: created[name] for name in sent} == sent
    assert (created["bot_id"], created["agent_id"], created["audience"]) == (
        bot_id,
        desk.white_label,
        "END_USER",
    )


async def test_what_is_not_sent_has_its_default(desk: Desk) -> None:
    created = await desk.make()

    assert [created[name] for name in NULLABLE] == [None] * len(NULLABLE)
    assert (created["transport"], created["status"], created["version"]) == ("TEAMS", "ACTIVE", 1)
    assert created["show_agent_progress_steps"] is True


@pytest.mark.parametrize("transport", ["SLACK", "PORTAL", "EMAIL"])
async def test_only_teams_can_be_used_yet(desk: Desk, transport: str) -> None:
    assert code(await desk.post(transport=transport)) == (422, "transport_not_supported")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("internal_name", ""),
        ("internal_name", " "),
        ("internal_name", "x" * 201),
        ("internal_name", "a\u0000b"),
        ("internal_name", "a\u009bb"),
        ("internal_name", None),
        ("audience", "EVERYBODY"),
        ("audience", None),
        ("transport", "FAX"),
        ("agent_id", "1"),
        ("agent_id", True),
        ("agent_id", None),
        ("bot_id", "teams-bot"),
        ("bot_id", ["b"]),
        ("bot_id", "x" * 2048),
        ("bot_id", "urn:uuid:1b4e28ba-2fa1-11d2-883f-0016d3cca427"),
        ("display_name", "x" * 201),
        ("description", "x" * 2001),
        ("welcome_message", "x" * 2001),
        ("relay_prefix", "x" * 201),
        ("color_icon_url", "http://cdn.example/c.png"),
        ("color_icon_url", "javascript:alert(1)"),
        ("color_icon_url", "https://cdn.example@evil.example/"),
        ("outline_icon_url", "https://cdn.example/" + "x" * 2000),
        ("outline_icon_url", "https://cdn.example/a b"),
        ("show_agent_progress_steps", 1),
        ("status", "PAUSED"),
    ],
)
async def test_what_is_not_valid_is_refused_by_its_name(desk: Desk, field: str, value: Any) -> None:
    answer = await desk.post(**{field: value})

    assert code(answer) == (422, "validation_error")
    if value != "a\u0000b":
        assert list(answer.json()["error"]["details"]["fields"]) == [field]
    assert (await desk.get("")).json()["data"] == []


@pytest.mark.parametrize("agent_id", [0, -1, 2**63, 10**30, 999_999_999])
async def test_an_agent_that_is_not_there_is_not_found(desk: Desk, agent_id: int) -> None:
    assert code(await desk.post(agent_id=agent_id)) == (404, "agent_not_found")


async def test_another_tenants_agent_is_not_found(desk: Desk, other: Desk) -> None:
    channel = await desk.make()

    assert code(await desk.post(agent_id=other.internal)) == (404, "agent_not_found")
    assert code(await desk.patch(channel, agent_id=other.internal)) == (404, "agent_not_found")


async def test_an_agent_that_does_not_converse_is_refused(desk: Desk, rows: Rows) -> None:
    agent_id = await rows.agent(tenant_id=desk.tenant_id, autonomy_type=AutonomyType.AGENTIC)
    channel = await desk.make()

    assert code(await desk.post(agent_id=agent_id)) == (422, "agent_not_conversational")
    assert code(await desk.patch(channel, agent_id=agent_id)) == (422, "agent_not_conversational")


async def test_agent_and_channel_are_of_one_audience(desk: Desk) -> None:
    internal, white_label = await desk.make(), await desk.make_white_label()

    answers = [
        await desk.post(agent_id=desk.white_label),
        await desk.post(audience="END_USER", agent_id=desk.internal),
        await desk.patch(internal, agent_id=desk.white_label),
        await desk.patch(white_label, agent_id=desk.internal),
    ]

    assert [code(answer) for answer in answers] == [(422, "channel_audience_mismatch")] * 4


async def test_a_managed_agent_serves_msp_channels_only(desk: Desk, rows: Rows) -> None:
    async with rows.database.transaction(desk.tenant_id) as db:
        managed = Agent.managed_key == ManagedAgentKey.NEO_SUPPORT
        found = await db.execute(update(Agent).where(managed).values(name="Neo").returning(Agent.id))
        agent_id = found.scalar_one()

    refused = await desk.post(audience="END_USER", agent_id=agent_id)

    assert code(refused) == (422, "channel_audience_mismatch")
    assert (await desk.make(agent_id=agent_id))["agent_id"] == agent_id


async def test_an_agent_is_not_deleted_while_it_is_being_bound(desk: Desk) -> None:
    """Whichever comes first, no channel is left with a deleted agent."""
    for _ in range(5):
        agent_id = await desk.rows.agent(tenant_id=desk.tenant_id)

        bound, deleted = await asyncio.gather(
            desk.post(agent_id=agent_id),
            desk.client.http.delete(f"/public-api/agents/{agent_id}"),
        )

        assert (bound.status_code, deleted.status_code) in ((200, 409), (404, 200)), (
            bound.text,
            deleted.text,
        )


async def test_a_partial_update_changes_what_was_sent_and_nothing_else(desk: Desk) -> None:
    before = await desk.make(**BRANDING)

    after = (await desk.patch(before, display_name="New", show_agent_progress_steps=False)).json()["data"]

    changed = {"display_name": "New", "show_agent_progress_steps": False, "version": 2}
    assert after == {**before, **changed, "updated_at": after["updated_at"]}
    assert after["updated_at"] > before["updated_at"]


async def test_null_clears_what_may_be_null_and_is_refused_elsewhere(desk: Desk) -> None:
    channel = await desk.make(**BRANDING, bot_id=await desk.bot())

    for field in ("internal_name", "agent_id", "audience", "transport", "status", "version"):
        refused = await desk.patch(channel, **{field: None})
        assert code(refused) == (422, "validation_error"), field
    cleared = (await desk.patch(channel, **dict.fromkeys(NULLABLE))).json()["data"]

    assert [cleared[name] for name in NULLABLE] == [None] * len(NULLABLE)
    assert (cleared["internal_name"], cleared["version"]) == ("Acme help", 2)


async def test_audience_and_transport_are_for_life(desk: Desk) -> None:
    channel = await desk.make()

    for change in (
        {"audience": "END_USER"},
        {"transport": "SLACK"},
        {"audience": "END_USER", "status": "ACTIVE"},
    ):
        refused = await desk.patch(channel, **change)
        assert code(refused) == (422, "channel_field_immutable")
        assert set(refused.json()["error"]["details"]["fields"]) == set(change) - {"status"}
    same = await desk.patch(channel, audience="MSP", transport="TEAMS")

    assert (same.status_code, same.json()["data"]) == (200, channel)


async def test_an_update_without_a_change_changes_nothing(desk: Desk) -> None:
    channel = await desk.make(bot_id=await desk.bot())

    for body in (
        {},
        {"internal_name": "Service desk"},
        {"bot_id": channel["bot_id"].upper()},
        {"version": 1},
    ):
        answer = await desk.patch(channel, **body)
        assert (answer.status_code, answer.json()["data"]) == (200, channel)


async def test_an_update_of_another_version_is_a_conflict_and_changes_nothing(desk: Desk) -> None:
    channel = await desk.make()
    await desk.patch(channel, internal_name="First", version=1)

    late = await desk.patch(channel, internal_name="Second", version=1)

    assert code(late) == (409, "channel_update_conflict")
    assert (await desk.get(f"/{channel['id']}")).json()["data"]["internal_name"] == "First"


async def test_of_two_updates_of_one_version_one_wins(desk: Desk) -> None:
    channel = await desk.make()

    answers = await asyncio.gather(
        *(desk.patch(channel, internal_name=f"Name {number}", version=1) for number in range(5))
    )

    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]


async def test_a_bot_has_one_channel_of_each_audience(desk: Desk) -> None:
    bot_id = await desk.bot()
    await desk.make(bot_id=bot_id)
    await desk.make_white_label(bot_id=bot_id)
    other = await desk.make_white_label()

    answers = [
        await desk.post(bot_id=bot_id),
        await desk.post(audience="END_USER", bot_id=bot_id.upper()),
        await desk.patch(other, bot_id=bot_id),
    ]

    assert [code(answer) for answer in answers] == [(409, "bot_already_registered")] * 3
    assert (await desk.get(f"/{other['id']}")).json()["data"] == other


async def test_of_two_channels_of_a_bot_at_once_one_is_made(desk: Desk) -> None:
    bot_id = await desk.bot()

    answers = await asyncio.gather(*(desk.post(audience="END_USER", bot_id=bot_id) for _ in range(4)))

    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]


async def test_a_deleted_channel_is_gone_and_its_bot_is_free(desk: Desk) -> None:
    channel = await desk.make_white_label()
    await desk.install(channel, uuid4())

    deleted = await desk.delete(f"/{channel['id']}")

    assert (deleted.status_code, deleted.json()["data"]) == (200, {"id": channel["id"]})
    gone = [
        await desk.get(f"/{channel['id']}"),
        await desk.get(f"/{channel['id']}/installs"),
        await desk.patch(channel, internal_name="New"),
        await desk.delete(f"/{channel['id']}"),
        await desk.install(channel, uuid4()),
    ]
    assert [code(answer) for answer in gone] == [(404, "channel_not_found")] * 5
    assert (await desk.get("")).json()["data"] == []
    async with desk.rows.database.transaction(desk.tenant_id) as db:
        assert (await db.scalars(select(ChannelInstall.channel_id))).all() == []
    await desk.make_white_label(bot_id=channel["bot_id"])


async def test_a_list_is_paged_to_its_end_newest_first(desk: Desk) -> None:
    made = [(await desk.make(internal_name=f"Channel {number}"))["id"] for number in range(7)]
    seen, cursor = [], None

    while True:
        answer = (await desk.get("", page_size=3, **({"cursor": cursor} if cursor else {}))).json()
        seen += [channel["id"] for channel in answer["data"]]
        cursor = answer["meta"]["pagination"]["next_cursor"]
        if cursor is None:
            break

    assert seen == made[::-1]


async def test_another_tenants_cursor_is_refused(desk: Desk, other: Desk) -> None:
    for _ in range(2):
        await desk.make()
    cursor = (await desk.get("", page_size=1)).json()["meta"]["pagination"]["next_cursor"]

    assert code(await other.get("", cursor=cursor)) == (400, "invalid_cursor")


@pytest.mark.parametrize("path", ["", "/installs"])
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_another_tenants_channel_is_as_if_it_were_not_there(
    desk: Desk, other: Desk, method: str, path: str
) -> None:
    channel = await desk.make_white_label()
    if path:
        method, path = (
            {"PATCH": "PUT"}.get(method, method),
            f"/installs/{uuid4()}" if method != "GET" else path,
        )
    # What is wrong with the body is for those who may see the channel.
    body = {"internal_name": 5} if method == "PATCH" else None

    theirs = await other.client.http.request(method, f"{CHANNELS}/{channel['id']}{path}", json=body)
    nobodys = await other.client.http.request(method, f"{CHANNELS}/{uuid4()}{path}", json=body)
    no_id = await other.client.http.request(method, f"{CHANNELS}/nonsense{path}", json=body)

    assert code(theirs) == (404, "channel_not_found")
    assert theirs.json()["error"] == nobodys.json()["error"] == no_id.json()["error"]
    assert (await desk.get(f"/{channel['id']}")).json()["data"] == channel


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", ""),
        ("GET", ""),
        ("GET", "/x"),
        ("PATCH", "/x"),
        ("DELETE", "/x"),
        ("GET", "/x/installs"),
        ("PUT", "/x/installs/y"),
        ("DELETE", "/x/installs/y"),
    ],
)
async def test_who_may_not_is_refused_before_anything_is_read(
    server: Server, rows: Rows, method: str, path: str
) -> None:
    platform = Client(server.url, (await rows.platform()).api_key)

    answer = await platform.http.request(method, CHANNELS + path, content=b"{")

    assert code(answer) == (403, "caller_not_allowed")
    await platform.http.aclose()


# `NEO_CHANNELS_MAX`, as it is by itself.
CHANNELS_MAX = 500


async def test_a_tenant_has_so_many_channels_and_no_more(desk: Desk) -> None:
    rows = [
        {
            "id": uuid4(),
            "tenant_id": desk.tenant_id,
            "agent_id": desk.internal,
            "transport": "TEAMS",
            "audience": "MSP",
            "internal_name": "One of many",
        }
        for _ in range(CHANNELS_MAX - 1)
    ]
    async with desk.rows.database.transaction(desk.tenant_id) as db:
        await db.execute(insert(Channel), rows)

    answers = await asyncio.gather(*(desk.post() for _ in range(4)))

    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert code(refused) == (409, "quota_exceeded")
    await desk.delete(f"/{rows[0]['id']}")
    assert (await desk.post()).status_code == 200


async def test_each_change_is_in_the_audit_log(desk: Desk) -> None:
    channel = await desk.make_white_label()
    await desk.patch(channel, welcome_message="Hello", version=1)
    await desk.patch(channel, welcome_message="Late", version=1)
    await desk.patch(channel)
    await desk.delete(f"/{channel['id']}")

    entries = await desk.audited()

    assert [entry.action for entry in entries] == ["channel.created", "channel.updated", "channel.deleted"]
    assert {entry.object_id for entry in entries} == {channel["id"]}
    assert entries[0].details == {"agent_id": desk.white_label, "audience": "END_USER"}
    assert entries[1].details == {"fields": ["welcome_message"]}


@pytest.mark.parametrize(
    ("role", "reads", "changes"), [("Admin", 200, 200), ("User", 200, 403), ("Viewer", 200, 403)]
)
async def test_everybody_of_the_tenant_reads_and_an_admin_changes(
    desk: Desk, people: People, role: str, reads: int, changes: int
) -> None:
    channel = await desk.make_white_label()
    _, caller = await people.join(desk.tenant_id, role)
    path, end_client = f"{CHANNELS}/{channel['id']}", uuid4()

    read = [await caller.http.get(one) for one in (CHANNELS, path, f"{path}/installs")]
    changed = [
        await caller.http.post(CHANNELS, json=desk.body()),
        await caller.http.patch(path, json={"internal_name": f"By {role}"}),
        await caller.http.put(f"{path}/installs/{end_client}"),
        await caller.http.delete(f"{path}/installs/{end_client}"),
        await caller.http.delete(path),
    ]

    assert {answer.status_code for answer in read} == {reads}
    assert {answer.status_code for answer in changed} == {changes}
