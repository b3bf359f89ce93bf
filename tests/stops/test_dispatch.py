"""Whatever was taken away since a turn was asked for, its next call does not leave."""

import asyncio
from dataclasses import replace

import pytest

from neo.stops import DispatchRules
from stops.world import World
from support.client import Client
from support.rows import Rows
from support.server import Server

NOT_ALLOWED, STOPPED, UNAVAILABLE, CHANGED = (
    "not_allowed_here",
    "tool_stopped",
    "tool_unavailable",
    "tool_changed",
)
KEY, PERSON, END_USER, PLATFORM = "service_account", "technician", "end_user", "platform"
OF_PERSON = "WHERE tenant_id = :tenant AND user_id = :person"


def api_key(change: str, key: str) -> str:
    return f"UPDATE api_keys SET {change} = now() WHERE id = :{key}"


def token(change: str) -> str:
    return f"UPDATE session_tokens SET {change} WHERE jti = :token"


def person(change: str) -> str:
    return f"UPDATE technicians SET {change} {OF_PERSON}"


def agent(change: str) -> str:
    return f"UPDATE agents SET {change} WHERE id = :agent"


def connection(change: str) -> str:
    return f"UPDATE connections SET {change} WHERE id = :connection"


def tool(change: str) -> str:
    return f"UPDATE connection_tools SET {change} WHERE connection_id = :connection AND name = 'write'"


def suspended(tenant: str) -> str:
    return f"UPDATE tenants SET suspended_at = now() WHERE id = :{tenant}"


def stop(scope: str, scope_id: str, tool: str = "", *, writes_only: bool = False) -> str:
    return (
        "INSERT INTO tool_stops (id, tenant_id, scope, scope_id, tool, writes_only, set_by_kind, set_by) VALUES "
        f"(gen_random_uuid(), :tenant, '{scope}', {scope_id}, '{tool}', {writes_only}, 'technician', :person)"
    )


def allowing(name: str) -> str:
    return agent(f"toolbox = CAST(replace(CAST(toolbox AS text), '\"write\"', '\"{name}\"') AS jsonb)")


def both(first: str, second: str) -> str:
    return f"WITH first AS ({first}) {second}"


# What is done, to a turn of whom, and what a call that writes is refused with.
TAKEN_AWAY = {
    "nothing, of a key": ("", KEY, None),
    "nothing, of a person": ("", PERSON, None),
    "nothing, of an end user": ("", END_USER, None),
    "nothing, of the platform": ("", PLATFORM, None),
    "the key is revoked": (api_key("revoked_at", "key"), KEY, NOT_ALLOWED),
    "the key has expired": (api_key("expires_at", "key"), KEY, NOT_ALLOWED),
    "the platform's key is revoked": (api_key("revoked_at", "platform_key"), PLATFORM, NOT_ALLOWED),
    "the platform is suspended": (suspended("platform"), PLATFORM, NOT_ALLOWED),
    "the tenant is suspended, of the platform": (suspended("tenant"), PLATFORM, NOT_ALLOWED),
    "the tenant is suspended, of a key": (suspended("tenant"), KEY, NOT_ALLOWED),
    "the tenant is suspended, of a person": (suspended("tenant"), PERSON, NOT_ALLOWED),
    "the tenant is suspended, of an end user": (suspended("tenant"), END_USER, NOT_ALLOWED),
    "the token is revoked": (token("revoked_at = now()"), END_USER, NOT_ALLOWED),
    "the token has expired": (token("expires_at = now()"), END_USER, NOT_ALLOWED),
    "whoever minted the token is a Viewer": (
        both(person("role = 'Viewer'"), token("minter_kind = 'technician'")), END_USER, NOT_ALLOWED,
    ),
    "the session is archived": (
        "UPDATE chat_sessions SET archived_at = now() WHERE id = :session", END_USER, NOT_ALLOWED,
    ),
    "the person is gone": (f"DELETE FROM technicians {OF_PERSON}", PERSON, NOT_ALLOWED),
    "the person is locked out": (person("is_active = false"), PERSON, NOT_ALLOWED),
    "the person is a Viewer": (person("role = 'Viewer'"), PERSON, NOT_ALLOWED),
    "the person was let in anew": (person("created_at = now() + interval '1 s'"), PERSON, NOT_ALLOWED),
    "the person is an Admin no more": (
        both(person("role = 'User'"), agent("access = 'ADMINS_ONLY'")), PERSON, NOT_ALLOWED,
    ),
    "the agent is for Admins, as the person is": (agent("access = 'ADMINS_ONLY'"), PERSON, None),
    "the agent is for others": (agent("access = 'SPECIFIC_USERS'"), PERSON, NOT_ALLOWED),
    "the agent is for that person": (
        agent("access = 'SPECIFIC_USERS', access_user_ids = ARRAY[CAST(:person AS uuid)]"), PERSON, None,
    ),
    "the agent is for others, and not for keys": (agent("access = 'SPECIFIC_USERS'"), KEY, None),
    "the agent is deleted": (agent("deleted_at = now()"), KEY, NOT_ALLOWED),
    "the agent has no toolbox": (agent("toolbox = '{}'"), KEY, NOT_ALLOWED),
    "the toolbox allows another tool": (allowing("wrote"), KEY, NOT_ALLOWED),
    "the toolbox allows all": (allowing("*"), KEY, None),
    "nobody knows who asked": ("UPDATE chat_turns SET author_kind = NULL WHERE id = :turn", KEY, NOT_ALLOWED),
    "the connection is for end users": (connection("audience = 'END_USER'"), KEY, NOT_ALLOWED),
    "the connection is switched off": (connection("is_disabled = true"), KEY, UNAVAILABLE),
    "the connection needs a secret": (connection("health = 'NEEDS_AUTH'"), KEY, UNAVAILABLE),
    "the connection is deleted": ("DELETE FROM connections WHERE id = :connection", KEY, UNAVAILABLE),
    "the tool is gone": (tool("listed_digest = NULL"), KEY, CHANGED),
    "the tool is changed": (tool("listed_digest = 'd2'"), KEY, CHANGED),
    "the tool is changed, and pinned again": (tool("listed_digest = 'd2', pinned_digest = 'd2'"), KEY, CHANGED),
    "the tenant is stopped": (stop("TENANT", ":tenant_id"), KEY, STOPPED),
    "writes of the tenant are stopped": (stop("TENANT", ":tenant_id", writes_only=True), KEY, STOPPED),
    "the company is stopped": (stop("COMPANY", "'acme'"), KEY, STOPPED),
    "another company is stopped": (stop("COMPANY", "'other'"), KEY, None),
    "the agent is stopped": (stop("AGENT", ":agent_id"), KEY, STOPPED),
    "the connection is stopped": (stop("CONNECTION", ":connection_id"), KEY, STOPPED),
    "the tool is stopped": (stop("TOOL", ":connection_id", "write"), KEY, STOPPED),
    "another tool is stopped": (stop("TOOL", ":connection_id", "read"), KEY, None),
}  # fmt: skip


@pytest.mark.parametrize("what", TAKEN_AWAY)
async def test_what_was_taken_away_is_asked_for_at_each_dispatch(rows: Rows, what: str) -> None:
    statement, author, expected = TAKEN_AWAY[what]
    world = await World.of(rows, author)
    call = await world.plan()

    if statement:
        await world.write(statement)

    assert await world.dispatch(call) == expected


@pytest.mark.parametrize(
    ("effect", "expected"), [("READ", None), ("KEYED", STOPPED), ("WRITE", STOPPED), (None, STOPPED)]
)
async def test_a_stop_of_writes_lets_calls_read(rows: Rows, effect: str | None, expected: str | None) -> None:
    world = await World.of(rows)
    await world.write(stop("TENANT", ":tenant_id", writes_only=True))

    assert await world.dispatch(await world.plan(effect)) == expected


@pytest.mark.parametrize(
    ("rules", "tier", "passed"),
    [
        (DispatchRules(writes_hour_company=10), None, 10),
        (DispatchRules(writes_hour_connection=10), None, 10),
        (DispatchRules(writes_hour_company=40, writes_hour_company_advanced=10), "ADVANCED", 10),
        (DispatchRules(writes_hour_company_advanced=10), "STANDARD", 50),
        (DispatchRules(), None, 50),
    ],
)
async def test_of_fifty_writes_at_once_as_many_pass_as_may(
    rows: Rows, rules: DispatchRules, tier: str | None, passed: int
) -> None:
    world = replace(await World.of(rows), rules=rules)
    calls = [await world.plan_beside(tier=tier) for _ in range(50)]

    refusals = await asyncio.gather(*(world.dispatch(call) for call in calls))

    assert (refusals.count(None), refusals.count("budget_reached")) == (passed, 50 - passed)


async def test_reads_and_what_was_sent_before_are_not_counted_and_an_hour_passes(rows: Rows) -> None:
    world = replace(await World.of(rows), rules=DispatchRules(writes_hour_company=1))
    first, second = await world.plan("KEYED"), await world.plan()

    sent, refused = await world.dispatch(first), await world.dispatch(second)
    again, read = await world.dispatch(first, 2), await world.dispatch(await world.plan("READ", "read"))
    await world.write(
        "UPDATE tool_calls SET dispatched_at = now() - interval '61 min' WHERE id = :id", id=first
    )

    assert (sent, refused, again, read) == (None, "budget_reached", None, None)
    assert await world.dispatch(second) is None


async def test_no_call_leaves_after_a_stop_that_is_set_while_calls_are_dispatched(
    rows: Rows, server: Server
) -> None:
    world = await World.of(rows)
    client = Client(server.url, await rows.key(world.ids["tenant"]))
    calls = [await world.plan_beside() for _ in range(20)]
    dispatching = [asyncio.create_task(world.dispatch(call)) for call in calls]
    await asyncio.wait(dispatching, return_when=asyncio.FIRST_COMPLETED)

    answer = await client.http.put("/public-api/tool-stops", json={"scope": "TENANT"})
    refusals = await asyncio.gather(*dispatching)
    await client.http.aclose()

    told = answer.json()["data"]
    left = {call for call, refusal in zip(calls, refusals, strict=True) if refusal is None}
    assert set(refusals) <= {None, STOPPED}
    # Whatever left is in the answer: nothing left later.
    assert {call["call_id"] for call in told["calls_in_flight"]} == left
    assert told["calls_in_flight_total"] == len(left) > 0


async def test_a_stop_waits_for_a_dispatch_that_has_begun(rows: Rows, server: Server) -> None:
    world = await World.of(rows)
    client = Client(server.url, await rows.key(world.ids["tenant"]))
    call = await world.plan()

    async with world.dispatching(call) as (_, process):
        setting = asyncio.create_task(client.http.put("/public-api/tool-stops", json={"scope": "TENANT"}))
        await world.until_waited_for(process)
        assert not setting.done()
    told = (await setting).json()["data"]
    await client.http.aclose()

    assert [one["call_id"] for one in told["calls_in_flight"]] == [call]
