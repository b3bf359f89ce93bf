"""Calls of an HTTP API: the scripted MCP server is one, whose faults are known."""

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from connections.targets import target_of
from neo.connections import (
    Bearer,
    Bytes,
    ClientCredentials,
    CompanyPlaces,
    DocumentRefused,
    Ending,
    HttpApiClient,
    Json,
    Operation,
    Outcome,
    Parameter,
    Place,
    SchemaRefused,
    Servers,
    Target,
    operations_of,
)
from neo.egress import Egress
from neo.vault import Secret
from support.scripted_mcp import Stage

TEXT = {"type": "string"}
HEADERS = ("mcp-protocol-version", "mcp-method", "mcp-name")
POST = Operation(
    name="post",
    method="POST",
    path="/stages/{stage}/mcp",
    parameters=(
        Parameter(name="stage", place=Place.PATH, schema=TEXT, is_required=True),
        *(Parameter(name=name, place=Place.HEADER, schema=TEXT) for name in HEADERS),
        Parameter(name="body", place=Place.BODY, schema={"type": "object"}, is_required=True),
    ),
)
CALLS = Operation(
    name="calls",
    method="GET",
    path="/stages/{stage}/control/calls",
    parameters=(
        Parameter(name="stage", place=Place.PATH, schema=TEXT, is_required=True),
        Parameter(name="at_least", place=Place.QUERY, schema={"type": "integer"}),
    ),
)


@pytest.fixture
async def apis(egress: Egress) -> Servers:
    return Servers(egress)


@pytest.fixture
async def client(apis: Servers, stage: Stage) -> AsyncIterator[HttpApiClient]:
    client = apis.http_api(api_of(stage), [POST, CALLS])
    yield client
    await client.aclose()


def api_of(stage: Stage, auth: Any = None) -> Target:
    target = target_of(stage, auth, company=CompanyPlaces(header="Neo-Company"))
    return Target(
        tenant="t1", connection=stage.name, url=f"{stage.root}/", auth=target.auth, company=target.company
    )


def writing(stage: Stage, tool: str = "write") -> dict[str, Any]:
    request = stage.request("tools/call", name=tool, arguments={"text": "x"} if tool != "company" else {})
    return {
        "stage": stage.name,
        **{name: request.headers[name] for name in HEADERS},
        "body": orjson.loads(request.content),
    }


async def test_a_call_carries_key_company_and_token_once(apis: Servers, stage: Stage) -> None:
    client = apis.http_api(api_of(stage, Bearer(Secret("our-secret"))), [POST, CALLS])

    twice = [await client.call("post", writing(stage, "keyed"), key="k", company="acme") for _ in range(2)]
    read = await client.call("calls", {"stage": stage.name, "at_least": 2}, key="r")
    await client.aclose()

    [first, second] = read.content[0].value["calls"]  # type: ignore[union-attr]
    assert [outcome.ending for outcome in (*twice, read)] == [Ending.OK] * 3
    assert [(call["key"], call["key_from"], call["company"]["header"]) for call in (first, second)] == [
        ("k", "header", "acme")
    ] * 2
    assert (first["authorization"], len(await stage.effects())) == ("Bearer ***", 1)
    assert (await stage.calls())[0]["authorization"] == "Bearer our-secret"


@pytest.mark.parametrize(
    ("fault", "ending"),
    [
        ("refuse", Ending.UNREACHABLE),
        ("hang", Ending.TIMED_OUT),
        ("status", Ending.UNREACHABLE),
        ("redirect", Ending.PROTOCOL_BROKEN),
        ("unauthorized", Ending.NEEDS_AUTH),
        ("die", Ending.UNREACHABLE),
        ("half", Ending.UNREACHABLE),
        ("drip", Ending.TIMED_OUT),
        ("endless", Ending.TOO_LARGE),
        ("compressed", Ending.PROTOCOL_BROKEN),
    ],
)
async def test_whatever_an_api_does_the_call_ends_and_says_how(
    client: HttpApiClient, stage: Stage, fault: str, ending: Ending
) -> None:
    await stage.change(fault={"name": fault, "number": 503})

    outcome = await client.call(
        "post", writing(stage), key="k", seconds=1 if ending is Ending.TIMED_OUT else 30
    )
    await stage.change(fault=None)
    healed = await client.call("post", writing(stage), key="k")

    assert (outcome.ending, outcome.is_sent, healed.is_ok) == (ending, True, True)
    assert outcome.may_have_happened == (ending is not Ending.NEEDS_AUTH)


@pytest.mark.parametrize(
    ("fault", "number", "ending", "content"),
    [
        ("status", 404, Ending.TOOL_ERROR, "Something is wrong."),
        ("status", 403, Ending.TOOL_ERROR, "Something is wrong."),
        ("html", 0, Ending.OK, "<h1>It works!</h1>"),
        ("garbage", 0, Ending.OK, Bytes(b"\x00\x01 this is not JSON {", "application/json")),
    ],
)
async def test_an_answer_is_what_it_is(
    client: HttpApiClient, stage: Stage, fault: str, number: int, ending: Ending, content: object
) -> None:
    await stage.change(fault={"name": fault, "number": number})

    outcome = await client.call("post", writing(stage), key="k")

    [only] = outcome.content
    assert (outcome.ending, content in (only, getattr(only, "text", None))) == (ending, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"stage": ".."}, "stand in a path"),
        ({"stage": ""}, "stand in a path"),
        ({"stage": "x", "at_least": "many"}, "at_least"),
        ({"stage": "x", "more": 1}, "more"),
        ({}, "stage"),
    ],
)
async def test_arguments_that_make_no_request_are_not_sent(
    client: HttpApiClient, arguments: dict[str, Any], words: str
) -> None:
    outcome = await client.call("calls", arguments, key="k")

    assert (outcome.ending, outcome.is_sent) == (Ending.REFUSED, False)
    assert words in outcome.detail


async def test_an_argument_leads_nowhere_else(client: HttpApiClient, stage: Stage) -> None:
    hostile = await client.call("calls", {"stage": f"../control?x=#/{stage.name}/%2e%2e"}, key="k")
    broken = await client.call("post", {**writing(stage), "mcp-name": "a\r\nauthorization: x"}, key="k")

    assert hostile.ending is not Ending.OK or hostile.content == (Json({"calls": []}),)
    assert (broken.ending, broken.is_sent) == (Ending.REFUSED, False)


async def test_a_token_is_renewed_once_when_it_is_refused(apis: Servers, stage: Stage) -> None:
    await stage.change(clients={"neo": "s3cret"})
    auth = ClientCredentials(token_url=stage.token_url, client_id="neo", client_secret=Secret("s3cret"))
    client = apis.http_api(api_of(stage, auth), [POST, CALLS])
    outcomes: list[Outcome] = []

    for _ in range(2):
        outcomes.append(await client.call("post", writing(stage), key="k"))
        await stage.expire()
    await client.aclose()

    assert [outcome.ending for outcome in outcomes] == [Ending.OK] * 2
    assert (await stage.shown())["methods"]["token"] == 2


LAUGHS = {f"a{n}": {"type": "object", "properties": {k: {"$ref": f"#/components/schemas/a{n + 1}"} for k in "xyz"}}
          for n in range(12)} | {"a12": TEXT}  # fmt: skip


def document(**operation: Any) -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "components": {
            "schemas": {
                **LAUGHS,
                "self": {"$ref": "#/components/schemas/self"},
                "ticket": {"type": "object"},
            },
            "parameters": {"id": {"name": "id", "in": "path", "required": True, "schema": TEXT}},
        },
        "paths": {
            "/tickets/{id}": {
                "parameters": [{"$ref": "#/components/parameters/id"}],
                "get": {"operationId": "getTicket", "summary": "Read a ticket."},
                "patch": {"operationId": "changeTicket", **operation},
            }
        },
    }


def body(schema: dict[str, Any], kind: str = "application/json") -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {kind: {"schema": schema}}}}


def test_a_document_becomes_operations() -> None:
    found = operations_of(document(**body({"$ref": "#/components/schemas/ticket"})))

    assert found.refused == {}
    assert [(one.name, one.method, one.path) for one in found.operations] == [
        ("getTicket", "GET", "/tickets/{id}"),
        ("changeTicket", "PATCH", "/tickets/{id}"),
    ]
    assert found.operations[1].input_schema() == {
        "type": "object",
        "properties": {"id": TEXT, "body": {"type": "object"}},
        "required": ["id", "body"],
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    "operation",
    [
        body({"$ref": "http://127.0.0.1:1/schema.json"}),
        body({"$ref": "#/components/schemas/self"}),
        body({"$ref": "#/components/schemas/a0"}),
        body(TEXT, "multipart/form-data"),
        {"parameters": [{"name": "session", "in": "cookie", "schema": TEXT}]},
        {"parameters": [{"name": "Authorization", "in": "header", "schema": TEXT}]},
        {"parameters": [{"name": "other", "in": "path", "schema": TEXT}]},
    ],
)
def test_an_operation_that_neo_cannot_call_is_told_and_the_others_are_kept(operation: dict[str, Any]) -> None:
    found = operations_of(document(**operation))

    assert ([one.name for one in found.operations], list(found.refused)) == (
        ["getTicket"],
        ["PATCH /tickets/{id}"],
    )


@pytest.mark.parametrize(
    "given", [None, [], {}, {"openapi": "2.0"}, {"openapi": "3.0.0", "x": "y" * 3_000_000}]
)
def test_what_is_no_document_is_refused(given: object) -> None:
    with pytest.raises(DocumentRefused):
        operations_of(given)


@pytest.mark.parametrize("path", ["tickets", "/a/../b", "/a?b", "/{id}", "/{id"])
def test_a_path_that_leads_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(SchemaRefused):
        Operation(name="x", method="GET", path=path).check()
