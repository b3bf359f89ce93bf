"""What an agent's toolbox may be, how it is changed, and why a tool is offered or not."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from sqlalchemy import text

from neo.agents import AgentStore
from neo.toolbox import offered_tools
from support.client import Client
from support.rows import Rows, Tenant
from support.scripted_mcp import Stage
from support.server import Server

AGENTS, CONNECTIONS = "/public-api/agents", "/public-api/connections"
READ_ONLY = {"group_type": "TICKETS", "access_level": "READ_ONLY", "require_til": False}
AGENT = {"autonomy_type": "CONVERSATIONAL", "name": "Helper"}


def code(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def toolbox(*connections: dict[str, Any], **others: Any) -> dict[str, Any]:
    return {"tool_settings_by_type": {"MCP": {"connections": list(connections)}, **others}}


@pytest.fixture
async def tenant(rows: Rows) -> Tenant:
    return await rows.tenant("A tenant with tools")


@pytest.fixture
async def own(server: Server, tenant: Tenant) -> AsyncIterator[Client]:
    client = Client(server.url, tenant.api_key)
    yield client
    await client.http.aclose()


async def sent(client: Client, method: str, path: str, **body: Any) -> Any:
    answer = await client.http.request(method, path, json=body if method != "GET" else None)
    assert answer.status_code in (200, 201), answer.text
    return answer.json()["data"]


async def connected(client: Client, stage: Stage, name: str = "desk", **fields: Any) -> str:
    body = {"name": name, "kind": "MCP_HTTP", "url": stage.url, **fields}
    created = await sent(client, "POST", CONNECTIONS, **body)
    await sent(client, "POST", f"{CONNECTIONS}/{created['id']}/pin", tools=["read", "write"])
    return str(created["id"])


async def test_a_toolbox_is_kept_merged_by_type_and_versioned(
    own: Client, rows: Rows, tenant: Tenant, served_stage: Stage
) -> None:
    connection = await connected(own, served_stage)
    one = {"connection_id": connection, "allow": ["read"]}

    agent = await sent(own, "POST", AGENTS, **AGENT, toolbox=toolbox(one))
    path = f"{AGENTS}/{agent['id']}"
    more: dict[str, Any] = {"tool_settings_by_type": {"EXTERNAL_API_REQUEST": {"connections": []}}}
    merged = await sent(own, "PATCH", path, toolbox=more)
    async with rows.database.transaction(tenant.id) as db:
        row = await AgentStore(db, tenant.id).get(agent["id"])
        offered = await offered_tools(db, tenant.id, toolbox=row.toolbox, audience=row.audience)
    disabled = await sent(own, "PATCH", path, toolbox={"tool_settings_by_type": {"MCP": None}})
    none = await sent(own, "PATCH", path, toolbox=None)
    first = await sent(own, "GET", f"{path}/versions/1")

    assert agent["toolbox"] == toolbox(one) == first["agent"]["toolbox"]
    assert merged["toolbox"] == toolbox(one, **more["tool_settings_by_type"])
    assert [(tool.wire_name, tool.gate) for tool in offered] == [("desk__read", "ALWAYS")]
    assert disabled["toolbox"] == more
    assert (none["toolbox"], none["version"]) == ({"tool_settings_by_type": {}}, 4)


async def test_what_cannot_be_in_a_toolbox_is_refused(
    own: Client, server: Server, rows: Rows, served_stage: Stage
) -> None:
    other = Client(server.url, (await rows.tenant()).api_key)
    theirs = await connected(other, served_stage)
    await other.http.aclose()
    mine = await connected(own, served_stage)
    end_users = await connected(own, served_stage, "theirs", audience="END_USER")
    agent = await sent(own, "POST", AGENTS, **AGENT)

    refused = [
        (toolbox({"connection_id": mine, "token": "canary-in-a-toolbox"}), (400, "validation_error")),
        (toolbox({"connection_id": mine}, {"connection_id": mine}), (400, "validation_error")),
        (toolbox({"connection_id": mine, "allow": []}), (400, "validation_error")),
        (toolbox({"connection_id": mine, "gate": "NOBODY"}), (400, "validation_error")),
        (toolbox({"connection_id": mine, "allow": ["x" * 128] * 300}), (400, "validation_error")),
        (toolbox({"connection_id": mine, "permissions": []}), (400, "validation_error")),
        (toolbox({"connection_id": mine, "permissions": [READ_ONLY, READ_ONLY]}), (400, "validation_error")),
        (toolbox({"connection_id": mine, "permissions": [{**READ_ONLY, "access_level": "ROOT"}]}),
         (400, "validation_error")),
        ({"tool_settings_by_type": {"CREATE_TICKET": {}}}, (400, "validation_error")),
        (toolbox({"connection_id": str(uuid4())}), (422, "toolbox_connection_unknown")),
        (toolbox({"connection_id": theirs}), (422, "toolbox_connection_unknown")),
        (toolbox({"connection_id": end_users}), (422, "toolbox_audience_mismatch")),
        ({"tool_settings_by_type": {"EXTERNAL_API_REQUEST": {"connections": [{"connection_id": mine}]}}},
         (422, "toolbox_connection_unknown")),
    ]  # fmt: skip
    for wanted, expected in refused:
        created = await own.http.post(AGENTS, json={**AGENT, "toolbox": wanted})
        changed = await own.http.patch(f"{AGENTS}/{agent['id']}", json={"toolbox": wanted})

        assert (code(created), code(changed)) == (expected, expected), wanted
        assert "canary" not in created.text + changed.text
    assert (await sent(own, "GET", f"{AGENTS}/{agent['id']}"))["version"] == 1


OPERATIONS = [
    {"name": "read_ticket", "method": "GET", "path": "/tickets", "group": "TICKETS"},
    {"name": "close_ticket", "method": "POST", "path": "/tickets", "group": "TICKETS"},
    {"name": "read_invoice", "method": "GET", "path": "/invoices", "group": "INVOICES"},
    {"name": "ping", "method": "GET", "path": "/ping"},
]
READS = [("read_ticket", "NEVER"), ("read_invoice", "NEVER"), ("ping", "NEVER")]


@pytest.mark.parametrize(
    ("permissions", "offered"),
    [
        (None, [*READS, ("close_ticket", "WHEN")]),
        ([("*", "READ_WRITE", True)], [*READS, ("close_ticket", "ALWAYS")]),
        ([("*", "READ_ONLY", False)], READS),
        ([("TICKETS", "READ_WRITE", False)], [READS[0], ("close_ticket", "WHEN")]),
        ([("TICKETS", "DISABLED", False), ("*", "READ_ONLY", False)], READS[1:]),
    ],
)
async def test_a_group_is_offered_as_far_as_the_toolbox_permits_it(
    own: Client,
    rows: Rows,
    tenant: Tenant,
    served_stage: Stage,
    permissions: list[tuple[str, str, bool]] | None,
    offered: list[tuple[str, str]],
) -> None:
    body = {"name": "psa", "kind": "HTTP_API", "url": served_stage.url, "operations": OPERATIONS}
    connection = (await sent(own, "POST", CONNECTIONS, **body))["id"]
    await sent(own, "POST", f"{CONNECTIONS}/{connection}/pin", tools=["*"])
    for name, _ in READS:
        await sent(own, "PATCH", f"{CONNECTIONS}/{connection}/tools/{name}", effect="READ")
    await sent(
        own, "PATCH", f"{CONNECTIONS}/{connection}/tools/close_ticket", gate="WHEN", when={"required": ["x"]}
    )
    given = [
        {"group_type": group, "access_level": level, "require_til": til}
        for group, level, til in permissions or ()
    ]
    allowed = {"connection_id": connection, **({"permissions": given} if given else {})}
    settings = {"tool_settings_by_type": {"EXTERNAL_API_REQUEST": {"connections": [allowed]}}}

    agent = await sent(own, "POST", AGENTS, **AGENT, toolbox=settings)
    async with rows.database.transaction(tenant.id) as db:
        row = await AgentStore(db, tenant.id).get(agent["id"])
        found = await offered_tools(db, tenant.id, toolbox=row.toolbox, audience=row.audience)
    explained = await sent(own, "POST", f"{AGENTS}/{agent['id']}/tools/explain")

    assert sorted((tool.tool_name, tool.gate.value) for tool in found) == sorted(offered)
    assert sorted((one["name"], one["gate"]) for one in explained if one["is_offered"]) == sorted(offered)
    assert all("toolbox" in one["reasons"][0] for one in explained if not one["is_offered"])


async def test_each_tool_is_explained(own: Client, served_stage: Stage) -> None:
    connection = await connected(own, served_stage)
    gone = await connected(own, served_stage, "gone")
    agent = await sent(
        own, "POST", AGENTS, **AGENT,
        toolbox=toolbox({"connection_id": connection, "allow": ["read", "slow"]}, {"connection_id": gone}),
    )  # fmt: skip
    await served_stage.put_tool("read", description="Changed.")
    path = f"{AGENTS}/{agent['id']}/tools/explain"

    before = {one["name"]: one for one in await sent(own, "POST", path) if one["connection_id"] == connection}
    await sent(own, "POST", f"{CONNECTIONS}/{connection}/check")
    await sent(own, "DELETE", f"{CONNECTIONS}/{gone}")
    after = await sent(own, "POST", path)
    await sent(own, "PATCH", f"{CONNECTIONS}/{connection}", disabled=True)
    off = await sent(own, "POST", path)

    assert [name for name, one in before.items() if one["is_offered"]] == ["read"]
    assert before["write"]["reasons"] == ["The agent's toolbox does not allow it."]
    assert before["slow"]["reasons"] == ["It is not pinned."]
    assert not any(one["is_offered"] for one in after)
    assert [one["reasons"] for one in after if one["connection_id"] == gone] == [
        ["There is no such connection."]
    ]
    assert "Its connection is switched off." in off[0]["reasons"]


async def test_what_a_stop_refuses_in_a_session_is_explained(
    own: Client, rows: Rows, tenant: Tenant, served_stage: Stage
) -> None:
    connection = await connected(own, served_stage)
    await sent(own, "PATCH", f"{CONNECTIONS}/{connection}/tools/read", effect="READ")
    agents = [
        await sent(own, "POST", AGENTS, **AGENT, toolbox=toolbox({"connection_id": connection}))
        for _ in range(2)
    ]
    sessions = [
        (await sent(own, "POST", "/public-api/chat/sessions", agent_id=int(agent["id"])))["id"]
        for agent in agents
    ]
    async with rows.database.transaction(tenant.id) as db:
        told = {"id": UUID(sessions[0])}
        await db.execute(text("UPDATE chat_sessions SET end_company_id = 'c-7' WHERE id = :id"), told)
    stop = {"scope": "CONNECTION", "id": connection, "writes_only": True}
    await sent(own, "PUT", "/public-api/tool-stops", **stop)
    path = f"{AGENTS}/{agents[0]['id']}/tools/explain"

    bare = await own.http.post(path)
    found = {one["name"]: one for one in await sent(own, "POST", path, session_id=sessions[0])}
    other = await own.http.post(path, json={"session_id": sessions[1]})

    in_session, anywhere = found["read"], {one["name"]: one for one in bare.json()["data"]}["read"]
    assert (in_session["is_callable"], found["write"]["is_offered"], found["write"]["is_callable"]) == (
        True,
        True,
        False,
    )
    assert found["write"]["reasons"][0] == "A stop of the scope CONNECTION refuses calls that may write."
    assert any("company_in" in reason for reason in in_session["reasons"])
    assert not anywhere["reasons"]
    assert code(other) == (404, "session_not_found")


async def test_the_schemas_say_what_a_toolbox_may_have(own: Client) -> None:
    tools = await sent(own, "GET", "/public-api/schemas/tools")
    schema = await sent(own, "GET", "/public-api/schemas/toolbox")

    by_type = schema["properties"]["tool_settings_by_type"]["properties"]
    assert {tool["type"] for tool in tools} == set(by_type) == {"MCP", "EXTERNAL_API_REQUEST"}
