"""Whose a bot is, as the operator says at the command line."""

import json
from uuid import uuid4

from sqlalchemy import text

from cli.neo_command import Ended, neo
from support.client import Client
from support.rows import Rows
from support.server import Server


async def ran(server: Server, *words: str) -> Ended:
    return await neo("bots", *words, "--data", str(server.data))


async def test_the_operator_grants_lists_and_revokes_bots(server: Server, rows: Rows) -> None:
    tenant, other, bot = await rows.tenant(), await rows.tenant(), str(uuid4())
    own = Client(server.url, tenant.api_key)
    agent_id = await rows.agent(tenant_id=tenant.id)
    body = {"internal_name": "Desk", "audience": "MSP", "agent_id": agent_id, "bot_id": bot}
    to, to_other = ("--tenant", str(tenant.id)), ("--tenant", str(other.id))

    granted = [await ran(server, "grant", bot, *words) for words in (to, to, to_other)]
    made = await own.http.post("/public-api/channels", json=body)
    listed = (await ran(server, "list", "--json")).out
    revoked = [await ran(server, "revoke", bot, *words) for words in (to_other, to)]
    nowhere = await ran(server, "grant", bot, "--tenant", str(uuid4()))
    log = (await own.http.get("/public-api/audit-log", params={"object_kind": "bot"})).json()["data"]
    await own.http.aclose()

    assert [ended.code for ended in (*granted, *revoked, nowhere)] == [0, 0, 1, 1, 0, 1]
    assert granted[0].out == f"Bot {bot} is tenant {tenant.id}'s.\n"
    assert granted[2].stderr == "neo: The bot is another tenant's: revoke it there first.\n"
    assert revoked[0].stderr == "neo: The tenant has no such bot.\n"
    assert "There is no tenant" in nowhere.stderr
    channel = made.json()["data"]
    [row] = [row for row in map(json.loads, listed.splitlines()) if row["bot_id"] == bot]
    assert (row["tenant_id"], row["is_confirmed"], row["is_shared"]) == (str(tenant.id), True, False)
    named_by = {"tenant_id": str(tenant.id), "channel_id": channel["id"], "audience": "MSP"}
    assert row["named_by"] == [{**named_by, "status": "ACTIVE"}]
    assert [(entry["action"], entry["actor_kind"]) for entry in log] == [
        ("bot.revoked", "operator"),
        ("bot.granted", "operator"),
    ]


async def test_what_was_taken_from_channels_is_confirmed_by_granting_it(server: Server, rows: Rows) -> None:
    tenant = await rows.tenant()
    confirmed, assumed = await rows.bot(tenant.id), await rows.bot(tenant.id)
    async with rows.owner.without_tenant() as owner:
        await owner.execute(text("UPDATE bots SET is_confirmed = false WHERE id = :id"), {"id": assumed})

    before = (await ran(server, "list", "--unconfirmed")).out
    await ran(server, "grant", str(assumed), "--tenant", str(tenant.id))
    after = (await ran(server, "list", "--unconfirmed")).out

    assert f"{assumed}  {tenant.id}  unconfirmed" in before
    assert str(assumed) not in after
    assert str(confirmed) not in before
