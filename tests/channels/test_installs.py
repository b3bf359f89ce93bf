"""Where a white-label channel's bot is installed, and what the relay greets with there."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from sqlalchemy import insert, text

from channels.desk import CHANNELS, Desk, code
from neo.channels import ChannelInstall
from support.client import Client
from support.rows import Rows, Tenant
from support.server import Server

NOT_MATCHED = {"matched": False, "display_name": None, "welcome_message": None}


class Relay:
    def __init__(self, client: Client, platform: Tenant) -> None:
        self.client = client
        self.platform = platform

    async def post(self, body: Any) -> httpx2.Response:
        return await self.client.http.post(f"{CHANNELS}/install-events", json=body)

    async def report(self, bot_id: object, end_client: object) -> dict[str, Any]:
        answer = await self.post({"bot_id": str(bot_id), "end_client_tenant_id": str(end_client)})
        assert answer.status_code == 200, answer.text
        return dict(answer.json()["data"])


@pytest.fixture
async def relay(server: Server, rows: Rows) -> AsyncIterator[Relay]:
    platform = await rows.platform()
    client = Client(server.url, platform.api_key)
    yield Relay(client, platform)
    await client.http.aclose()


async def test_an_install_is_put_once_however_often(desk: Desk) -> None:
    channel, end_client = await desk.make_white_label(), uuid4()

    first = await desk.install(channel, end_client)
    second = await desk.install(channel, str(end_client).upper())

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json()["data"] == second.json()["data"]
    assert first.json()["data"]["end_client_tenant_id"] == str(end_client)
    listed = (await desk.get(f"/{channel['id']}/installs")).json()["data"]
    assert listed == [first.json()["data"]]
    assert [entry.action for entry in await desk.audited()] == ["channel.created", "channel.install_added"]


async def test_a_removed_install_is_gone(desk: Desk) -> None:
    channel, end_client = await desk.make_white_label(), uuid4()
    await desk.install(channel, end_client)
    path = f"/{channel['id']}/installs/{end_client}"

    removed, again = await desk.delete(path), await desk.delete(path)

    assert removed.json()["data"] == {"channel_id": channel["id"], "end_client_tenant_id": str(end_client)}
    assert code(again) == (404, "install_not_found")
    assert (await desk.get(f"/{channel['id']}/installs")).json()["data"] == []
    assert (await desk.audited())[-1].action == "channel.install_removed"
    assert (await desk.audited())[-1].details == {"end_client_tenant_id": str(end_client)}


@pytest.mark.parametrize("wrong", ["acme", "1b4e28ba2fa111d2883f0016d3cca427", "%C3%A9", "x" * 2000])
async def test_what_is_no_guid_is_refused_on_put_and_not_found_on_delete(desk: Desk, wrong: str) -> None:
    channel = await desk.make_white_label()

    assert code(await desk.install(channel, wrong)) == (422, "end_client_tenant_id_invalid")
    assert code(await desk.delete(f"/{channel['id']}/installs/{wrong}")) == (404, "install_not_found")


async def test_only_white_label_channels_are_installed(desk: Desk) -> None:
    channel = await desk.make()

    assert code(await desk.install(channel, uuid4())) == (422, "channel_not_white_label")
    assert (await desk.get(f"/{channel['id']}/installs")).json()["data"] == []


async def test_a_list_is_paged_to_its_end_in_order(desk: Desk) -> None:
    channel = await desk.make_white_label()
    ids = sorted(str(uuid4()) for _ in range(5))
    for end_client in ids[::-1]:
        await desk.install(channel, end_client)
    seen, cursor = [], None

    while True:
        params = {"page_size": 2, **({"cursor": cursor} if cursor else {})}
        answer = (await desk.get(f"/{channel['id']}/installs", **params)).json()
        seen += [install["end_client_tenant_id"] for install in answer["data"]]
        cursor = answer["meta"]["pagination"]["next_cursor"]
        if cursor is None:
            break

    assert seen == ids


async def test_another_channels_cursor_is_refused(desk: Desk) -> None:
    one, other = await desk.make_white_label(), await desk.make_white_label()
    for _ in range(2):
        await desk.install(one, uuid4())
    first = (await desk.get(f"/{one['id']}/installs", page_size=1)).json()
    cursor = first["meta"]["pagination"]["next_cursor"]

    assert code(await desk.get(f"/{other['id']}/installs", cursor=cursor)) == (400, "invalid_cursor")


async def test_an_install_is_not_found_under_another_channel(desk: Desk) -> None:
    one, other = await desk.make_white_label(), await desk.make_white_label()
    end_client = uuid4()
    await desk.install(one, end_client)

    assert code(await desk.delete(f"/{other['id']}/installs/{end_client}")) == (404, "install_not_found")


# `NEO_INSTALLS_MAX`, as it is by itself.
INSTALLS_MAX = 10_000


async def test_a_channel_has_so_many_installs_and_no_more(desk: Desk) -> None:
    channel = await desk.make_white_label()
    row = {"tenant_id": desk.tenant_id, "channel_id": UUID(channel["id"])}
    rows = [{**row, "end_client_tenant_id": uuid4()} for _ in range(INSTALLS_MAX - 1)]
    async with desk.rows.database.transaction(desk.tenant_id) as db:
        await db.execute(insert(ChannelInstall), rows)

    answers = await asyncio.gather(*(desk.install(channel, uuid4()) for _ in range(3)))
    known = await desk.install(channel, rows[0]["end_client_tenant_id"])

    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    assert code(max(answers, key=lambda answer: answer.status_code)) == (409, "quota_exceeded")
    assert known.status_code == 200


async def test_the_relay_is_told_what_to_greet_with(desk: Desk, relay: Relay) -> None:
    branding = {"display_name": "Acme", "welcome_message": "Hello!"}
    channel, end_client = await desk.make_white_label(**branding), uuid4()
    await desk.install(channel, end_client)

    greeting = await relay.report(channel["bot_id"].upper(), str(end_client).upper())

    assert greeting == {"matched": True, **branding}
    entry = (await desk.audited())[-1]
    assert (entry.action, entry.object_id) == ("channel.install_reported", channel["id"])
    assert (entry.actor_kind, entry.actor_tenant_id) == ("platform", relay.platform.id)
    assert entry.details == {"end_client_tenant_id": str(end_client)}


async def test_a_channel_without_branding_matches_all_the_same(desk: Desk, relay: Relay) -> None:
    channel, end_client = await desk.make_white_label(), uuid4()
    await desk.install(channel, end_client)

    assert await relay.report(channel["bot_id"], end_client) == {**NOT_MATCHED, "matched": True}


async def test_what_is_not_installed_and_active_does_not_match(desk: Desk, relay: Relay) -> None:
    end_client = uuid4()
    paused = await desk.make_white_label(status="DISCONNECTED")
    deleted, removed, elsewhere = [await desk.make_white_label() for _ in range(3)]
    for channel in (paused, deleted, removed):
        await desk.install(channel, end_client)
    await desk.install(elsewhere, uuid4())
    await desk.delete(f"/{deleted['id']}")
    await desk.delete(f"/{removed['id']}/installs/{end_client}")
    internal = await desk.make(bot_id=await desk.bot())

    bots = [channel["bot_id"] for channel in (paused, deleted, removed, elsewhere, internal)]
    answers = [await relay.report(bot_id, end_client) for bot_id in (*bots, uuid4())]

    assert answers == [NOT_MATCHED] * 6
    assert "channel.install_reported" not in {entry.action for entry in await desk.audited()}


async def test_a_suspended_tenants_channel_does_not_match(desk: Desk, relay: Relay) -> None:
    channel, end_client = await desk.make_white_label(), uuid4()
    await desk.install(channel, end_client)
    async with desk.rows.owner.without_tenant() as owner:
        suspended = text("UPDATE tenants SET suspended_at = now() WHERE id = :id")
        await owner.execute(suspended, {"id": desk.tenant_id})

    assert await relay.report(channel["bot_id"], end_client) == NOT_MATCHED


@pytest.mark.parametrize("field", ["bot_id", "end_client_tenant_id"])
@pytest.mark.parametrize("value", ["acme", None, 5, ["a"], ""])
async def test_a_report_needs_two_guids(relay: Relay, field: str, value: Any) -> None:
    body = {"bot_id": str(uuid4()), "end_client_tenant_id": str(uuid4()), field: value}

    answer = await relay.post(body)

    assert code(answer) == (422, "validation_error")
    assert list(answer.json()["error"]["details"]["fields"]) == [field]
    missing = await relay.post({name: sent for name, sent in body.items() if name != field})
    assert code(missing) == (422, "validation_error")


async def test_only_the_platform_reports(desk: Desk) -> None:
    answer = await desk.client.http.post(f"{CHANNELS}/install-events", content=b"{")

    assert code(answer) == (403, "caller_not_allowed")
