"""Connections of the kind HTTP_API through the API: operations are tools, pinned and called as those of servers."""

import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from neo.connections import Clients, Ending, Servers
from support.client import Client
from support.rows import Rows, Tenant
from support.scripted_mcp import Stage
from support.server import Server

CONNECTIONS = "/public-api/connections"
TEXT = {"type": "string"}
DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "paths": {
        "/control/calls": {"get": {"operationId": "calls", "tags": ["What was called"], "summary": "List."}},
        "/control": {
            "get": {"operationId": "show"},
            "patch": {
                "operationId": "change",
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/all"}}}},
            },
            "put": {"operationId": "upload", "requestBody": {"content": {"text/csv": {}}}},
        },
    },
    "components": {"schemas": {"all": {"type": "object"}}},
}  # fmt: skip
WRITTEN: list[dict[str, Any]] = [
    {"name": "effects", "method": "GET", "path": "/control/effects"},
    {
        "name": "put_tool",
        "method": "PUT",
        "path": "/control/tools/{tool}",
        "group": "TOOLS",
        "input_schema": {
            "type": "object",
            "properties": {"tool": {"$ref": "#/$defs/name"}, "body": {"type": "object"}},
            "required": ["body"],
            "$defs": {"name": TEXT},
        },
    },
]


TAKES_A_SECRET: dict[str, Any] = {
    "input_schema": {"properties": {"Authorization": TEXT}},
    "places": {"Authorization": "header"},
}
REFERS_ELSEWHERE: dict[str, Any] = {"input_schema": {"properties": {"x": {"$ref": "http://a.example/"}}}}


@pytest.fixture
async def tenant(rows: Rows) -> Tenant:
    return await rows.tenant("A tenant with an HTTP API")


@pytest.fixture
async def own(server: Server, tenant: Tenant) -> AsyncIterator[Client]:
    client = Client(server.url, tenant.api_key)
    yield client
    await client.http.aclose()


def body_of(stage: Stage, **fields: Any) -> dict[str, Any]:
    return {"name": "desk", "kind": "HTTP_API", "url": stage.url.removesuffix("/mcp"), **fields}


async def made(client: Client, stage: Stage, **fields: Any) -> dict[str, Any]:
    answer = await client.http.post(CONNECTIONS, json=body_of(stage, **fields))
    assert answer.status_code == 201, answer.text
    return dict(answer.json()["data"])


async def sent(client: Client, method: str, connection: dict[str, Any], path: str = "", **body: Any) -> Any:
    url = f"{CONNECTIONS}/{connection['id']}{path}"
    answer = await client.http.request(method, url, json=body if method != "GET" else None)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def tools(client: Client, connection: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {tool["name"]: tool for tool in await sent(client, "GET", connection, "/tools")}


def changed(operation: str, **fields: Any) -> dict[str, Any]:
    """The document with another operation in the place of one."""
    document = json.loads(json.dumps(DOCUMENT))
    for item in document["paths"].values():
        for told in item.values():
            if told.get("operationId") == operation:
                told.update(fields)
    return dict(document)


@pytest.mark.parametrize("is_text", [True, False])
async def test_a_documents_operations_are_tools_that_wait_for_a_yes(
    own: Client, served_stage: Stage, *, is_text: bool
) -> None:
    connection = await made(own, served_stage, openapi=json.dumps(DOCUMENT) if is_text else DOCUMENT)
    listed = await tools(own, connection)

    assert (connection["status"], connection["tools"]["new"], connection["last_error"]) == ("OK", 4, None)
    requests = {name: tool["listed"]["operation"] for name, tool in listed.items()}
    methods = {name: request["method"] for name, request in requests.items() if request}
    assert methods == {"calls": "GET", "show": "GET", "change": "PATCH"}
    assert listed["PUT /control"]["problem"] == "The body is not JSON."
    assert (listed["calls"]["listed"]["group"], listed["calls"]["listed"]["title"]) == (
        "WHAT_WAS_CALLED",
        "List.",
    )
    # The method proposes, and decides nothing.
    effects = [
        listed[name][f"{which}_effect"] for name in ("show", "change") for which in ("proposed", "used")
    ]
    assert effects == ["READ", "WRITE", None, "WRITE"]


async def test_another_document_changes_nothing_that_was_said_yes_to(
    own: Client, served_stage: Stage
) -> None:
    connection = await made(own, served_stage, openapi=DOCUMENT)
    await sent(own, "POST", connection, "/pin", tools=["*"])
    other = changed("change", operationId="change", parameters=[{"name": "q", "in": "query", "schema": TEXT}])
    other["paths"]["/control/calls"] = {"delete": {"operationId": "clear"}}

    after = await sent(own, "PATCH", connection, openapi=other)
    listed = await tools(own, connection)

    assert (after["status"], after["version"]) == ("CHANGED", connection["version"] + 1)
    assert {name: tool["state"] for name, tool in listed.items()} == {
        "PUT /control": "NEW", "calls": "GONE", "change": "CHANGED", "clear": "NEW", "show": "PINNED"
    }  # fmt: skip
    assert [one["field"] for one in listed["change"]["difference"]] == ["input_schema", "operation"]
    log = (await own.http.get("/public-api/audit-log")).json()["data"]
    assert [one["details"] for one in log if one["action"] == "connection.updated"] == [
        {"fields": ["operations"]}
    ]


async def test_a_turn_calls_what_was_pinned(
    own: Client, tenant: Tenant, rows: Rows, servers: Servers, served_stage: Stage
) -> None:
    connection = await made(own, served_stage, operations=WRITTEN)
    await sent(own, "POST", connection, "/pin", tools=["*"])
    await sent(own, "PATCH", connection, operations=[{**WRITTEN[0], "path": "/nowhere"}, WRITTEN[1]])

    async with Clients(rows.database, servers, rows.wrapping).of_turn(tenant.id) as clients:
        client = await clients.of(UUID(connection["id"]))
        made_tool = await client.call("put_tool", {"tool": "more", "body": {}}, key="k1")
        unpinned = await client.call("effects", {}, key="k2")

    assert (made_tool.ending, made_tool.status) == (Ending.OK, 200)
    assert (unpinned.ending, unpinned.is_sent) == (Ending.REFUSED, False)
    listing = (await served_stage.post("tools/list")).json()["result"]["tools"]
    assert "more" in [tool["name"] for tool in listing]


@pytest.mark.parametrize(
    ("fields", "code", "named"),
    [
        ({}, "connection_kind_mismatch", "openapi"),
        ({"openapi": DOCUMENT, "operations": WRITTEN}, "connection_kind_mismatch", "operations"),
        ({"kind": "MCP_HTTP", "operations": WRITTEN}, "connection_kind_mismatch", "operations"),
        ({"operations": WRITTEN, "company_in": {"meta": "x"}}, "connection_kind_mismatch", "company_in.meta"),
        ({"openapi": "{"}, "openapi_refused", "not JSON"),
        ({"openapi": {"openapi": "3.0.0", "paths": {}}}, "openapi_refused", "no operation"),
        ({"openapi": {"openapi": "3.0.0", "paths": {"/x": {"get": {"parameters": [{"$ref": "other.json#/x"}]}}}}},
         "openapi_refused", "GET /x"),
        ({"operations": []}, "validation_error", "operations"),
        ({"operations": [{**WRITTEN[0], "path": "//evil/../x"}]}, "operations_invalid", "GET //evil/../x"),
        ({"operations": [WRITTEN[0], WRITTEN[0]]}, "operations_invalid", "operations.1.name"),
        ({"operations": [{**WRITTEN[0], **TAKES_A_SECRET}]},
         "operations_invalid", "header Authorization"),
        ({"operations": [{**WRITTEN[0], **REFERS_ELSEWHERE}]},
         "operations_invalid", "operations.0"),
    ],
)  # fmt: skip
async def test_what_cannot_be_called_is_refused_and_says_where(
    own: Client, served_stage: Stage, fields: dict[str, Any], code: str, named: str
) -> None:
    answer = await own.http.post(CONNECTIONS, json=body_of(served_stage, **fields))

    assert (answer.status_code, answer.json()["error"]["code"]) == (422, code), answer.text
    assert named in answer.text
    assert (await own.http.get(CONNECTIONS)).json()["data"] == []


async def test_moved_elsewhere_an_api_keeps_its_operations_and_no_pins(
    own: Client, served_stage: Stage
) -> None:
    connection = await made(own, served_stage, operations=WRITTEN)
    await sent(own, "POST", connection, "/pin", tools=["*"])
    await sent(own, "PATCH", connection, "/tools/effects", effect="READ")

    moved = await sent(own, "PATCH", connection, url="https://nowhere.invalid/")
    listed = await tools(own, connection)

    assert (connection["status"], moved["status"]) == ("OK", "DOWN")
    assert moved["tools"] == {"pinned": 0, "new": 2, "changed": 0, "gone": 0}
    assert {(tool["effect"], tool["used_effect"], str(tool["pinned"])) for tool in listed.values()} == {
        (None, "WRITE", "None")
    }
