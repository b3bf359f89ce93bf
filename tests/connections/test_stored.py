"""A stored connection: its secret goes where it was given for, and its tools are offered while they are as pinned."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from neo.connections import (
    Clients,
    ConnectionDisabled,
    ConnectionNeedsAuth,
    ConnectionNotFound,
    ConnectionStore,
    Ending,
    Health,
    Servers,
    ToolStore,
)
from neo.connections.checks.check import Checker
from neo.connections.rows.destination import purpose_of
from neo.connections.rows.errors import ConnectionNameTaken, ConnectionToolNotFound
from neo.errors import Failure
from neo.toolbox import OfferedTool, offered_tools
from neo.vault import Secret, SecretStore, SecretUnreadable
from support.rows import Rows
from support.scripted_mcp import Stage

BEARER = {"type": "BEARER"}
CANARY = "canary-of-a-connection"


async def stored(rows: Rows, tenant: UUID, stage: Stage, **fields: Any) -> UUID:
    connection_id = uuid4()
    async with rows.database.transaction(tenant) as db:
        values: dict[str, Any] = {
            "id": connection_id,
            "name": "desk",
            "kind": "MCP_HTTP",
            "url": stage.url,
            "audience": "MSP",
        }
        values |= {"auth": BEARER, "health": Health.OK} | fields
        secrets = SecretStore(db, tenant, rows.wrapping)
        secret = await secrets.add(purpose_of(stage.url, values["auth"]), Secret(CANARY))
        await ConnectionStore(db, tenant).create({"secret_id": secret, **values})
    return connection_id


async def change(rows: Rows, tenant: UUID, connection_id: UUID, **changes: Any) -> None:
    async with rows.database.transaction(tenant) as db:
        store = ConnectionStore(db, tenant)
        await store.change(await store.lock(connection_id), changes)


async def test_a_turn_has_one_client_of_a_connection_that_signs_in_with_its_secret(
    rows: Rows, servers: Servers, stage: Stage
) -> None:
    tenant = (await rows.tenant()).id
    connection = await stored(rows, tenant, stage)

    async with Clients(rows.database, servers, rows.wrapping).of_turn(tenant) as clients:
        first, second = await clients.of(connection), await clients.of(connection)
        outcome = await first.call("read", {}, key="k")

    assert first is second
    assert outcome.is_ok
    assert [call["authorization"] for call in await stage.calls()] == [f"Bearer {CANARY}"]


@pytest.mark.parametrize(
    ("changes", "failure"),
    [
        ({"is_disabled": True}, ConnectionDisabled),
        ({"health": Health.NEEDS_AUTH}, ConnectionNeedsAuth),
        ({"secret_id": None}, ConnectionNeedsAuth),
        ({"url": "https://other.example/mcp"}, SecretUnreadable),
        ({"auth": {"type": "HEADER", "header": "X-Key"}}, SecretUnreadable),
        (
            {
                "auth": {
                    "type": "OAUTH_CLIENT_CREDENTIALS",
                    "token_url": "https://other.example/",
                    "client_id": "x",
                }
            },
            SecretUnreadable,
        ),
    ],
)
async def test_nothing_is_called_with_a_secret_that_is_not_for_it(
    rows: Rows, servers: Servers, stage: Stage, changes: dict[str, Any], failure: type[Failure]
) -> None:
    tenant = (await rows.tenant()).id
    connection = await stored(rows, tenant, stage)
    await change(rows, tenant, connection, **changes)

    async with Clients(rows.database, servers, rows.wrapping).of_turn(tenant) as clients:
        with pytest.raises(failure) as raised:
            await clients.of(connection)

    assert CANARY not in f"{raised.value!r}"
    assert (await stage.shown())["requests"] == 0


async def test_a_refused_sign_in_stops_later_turns(rows: Rows, servers: Servers, stage: Stage) -> None:
    tenant = (await rows.tenant()).id
    connection = await stored(rows, tenant, stage)
    await stage.change(tokens=["another"])
    every = Clients(rows.database, servers, rows.wrapping)

    async with every.of_turn(tenant) as clients:
        outcome = await (await clients.of(connection)).call("read", {}, key="k")
        await clients.note(connection, outcome)
    async with every.of_turn(tenant) as later:
        with pytest.raises(ConnectionNeedsAuth):
            await later.of(connection)

    assert outcome.ending is Ending.NEEDS_AUTH


async def test_another_tenants_connection_is_not_found(rows: Rows, servers: Servers, stage: Stage) -> None:
    tenant, stranger = (await rows.tenant()).id, (await rows.tenant()).id
    connection = await stored(rows, tenant, stage)

    async with Clients(rows.database, servers, rows.wrapping).of_turn(stranger) as clients:
        with pytest.raises(ConnectionNotFound) as raised:
            await clients.of(connection)
    async with rows.database.transaction(stranger) as db:
        with pytest.raises(ConnectionToolNotFound) as no_tool:
            await ToolStore(db, stranger).get(connection, "read")

    codes = (raised.value.code, no_tool.value.code)
    assert codes == ("connection_not_found", "connection_tool_not_found")


async def test_a_name_is_used_once(rows: Rows, stage: Stage) -> None:
    tenant = (await rows.tenant()).id
    await stored(rows, tenant, stage)

    with pytest.raises(ConnectionNameTaken) as raised:
        await stored(rows, tenant, stage)

    assert raised.value.code == "connection_name_taken"


LISTED = {
    "title": None,
    "description": "Reads.",
    "input_schema": {"type": "object"},
    "hints": {"readOnlyHint": True},
}


async def listed(rows: Rows, tenant: UUID, connection: UUID, **digests: str) -> None:
    found = [{"name": n, "listed": LISTED, "listed_digest": d, "problem": None} for n, d in digests.items()]
    async with rows.database.transaction(tenant) as db:
        await ToolStore(db, tenant).note_listed(connection, found)


async def offered(
    rows: Rows, tenant: UUID, connection: UUID, *allow: str, audience: str = "MSP", **fields: Any
) -> dict[str, OfferedTool]:
    one = {"connection_id": str(connection), "allow": list(allow), **fields}
    toolbox = {"tool_settings_by_type": {"MCP": {"connections": [one]}, "EXTERNAL_API_REQUEST": None}}
    async with rows.database.transaction(tenant) as db:
        found = await offered_tools(db, tenant, toolbox=toolbox, audience=audience)
    return {tool.wire_name: tool for tool in found}


async def test_what_is_pinned_and_unchanged_is_offered_and_is_a_gated_write_until_somebody_says_otherwise(
    rows: Rows, stage: Stage
) -> None:
    tenant = (await rows.tenant()).id
    connection = await stored(rows, tenant, stage)
    await listed(rows, tenant, connection, read="1", new="1", changed="1", gone="1")
    async with rows.database.transaction(tenant) as db:
        await ToolStore(db, tenant).pin(connection, ["read", "changed", "gone"], uuid4())
    await listed(rows, tenant, connection, changed="2")
    async with rows.database.transaction(tenant) as db:
        await ToolStore(db, tenant).note_gone(connection, ["gone"])
        states = {tool.name: tool.state for tool in await ToolStore(db, tenant).all(connection)}

    found = await offered(rows, tenant, connection, "*")

    assert states == {"read": "PINNED", "new": "NEW", "changed": "CHANGED", "gone": "GONE"}
    assert {name: (one.effect, one.gate, one.timeout_seconds) for name, one in found.items()} == {
        "desk__read": ("WRITE", "ALWAYS", 30)
    }
    assert await offered(rows, tenant, connection, "new") == {}
    assert await offered(rows, tenant, connection, "*", audience="END_USER") == {}
    assert await offered(rows, uuid4(), connection, "*") == {}


async def test_an_agent_makes_a_gate_stricter_and_never_looser(rows: Rows, stage: Stage) -> None:
    tenant = (await rows.tenant()).id
    connection = await stored(rows, tenant, stage)
    names = {"free": "NEVER", "strict": "ALWAYS"}
    await listed(rows, tenant, connection, **dict.fromkeys(names, "1"))
    async with rows.database.transaction(tenant) as db:
        await ToolStore(db, tenant).pin(connection, list(names), uuid4())
        for name, gate in names.items():
            await ToolStore(db, tenant).change(connection, name, {"effect": "READ", "gate": gate})

    gates = {
        given: [one.gate for one in (await offered(rows, tenant, connection, "*", gate=given)).values()]
        for given in (None, "NEVER", "ALWAYS")
    }

    assert gates == {None: ["NEVER", "ALWAYS"], "NEVER": ["NEVER", "ALWAYS"], "ALWAYS": ["ALWAYS", "ALWAYS"]}


async def test_one_tenant_has_so_many_checks_at_once(rows: Rows, servers: Servers, stage: Stage) -> None:
    tenant, other = (await rows.tenant()).id, (await rows.tenant()).id
    connections = {one: await stored(rows, one, stage) for one in (tenant, other)}
    checker = Checker(rows.database, servers, rows.wrapping)

    asked = [checker.check(one, connections[one]) for one in [tenant] * 10 + [other]]
    ended = await asyncio.gather(*asked, return_exceptions=True)
    await checker.check(tenant, connections[tenant])

    codes = [one.code if isinstance(one, Failure) else one for one in ended]
    assert codes == [None] * 8 + ["too_many_checks"] * 2 + [None]
