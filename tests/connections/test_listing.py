"""The list of tools: bounded, judged, and with a digest that tells when anything changed."""

from typing import Any

import orjson
import pytest
from mcp import types

from connections.targets import OLDER, STATELESS, target_of
from neo.connections import Catalogue, SchemaRefused, Servers, checked_schema, problems_of
from neo.connections.mcp.listing import catalogue_of
from neo.connections.mcp.results import outcome_of_result
from neo.connections.outcome import Json
from neo.db.plain_json import read_json
from support.scripted_mcp import Stage


async def listed(servers: Servers, stage: Stage, **fields: Any) -> Catalogue:
    async with servers.mcp(target_of(stage, **fields)) as client:
        found = await client.list_tools()
    assert isinstance(found, Catalogue), found
    return found


@pytest.mark.parametrize("protocol", [STATELESS, OLDER])
async def test_all_pages_are_read_and_the_protocol_is_told(
    servers: Servers, stage: Stage, protocol: str
) -> None:
    await stage.change(protocol=protocol, page=3)

    found = await listed(servers, stage)

    assert (found.protocol, len(found.tools), found.is_cut) == (protocol, 8, False)
    assert all(tool.problem is None for tool in found.tools)
    assert found.tools[0].hints == {"readOnlyHint": True}


async def test_a_digest_changes_with_anything_that_was_told_and_with_nothing_else(
    servers: Servers, stage: Stage
) -> None:
    digests = [await _digest(servers, stage)]
    schema = {"type": "object", "properties": {"about": {"type": "string"}}}
    changes: list[dict[str, Any]] = [
        {"description": "x" * 2_000},
        {"description": "x" * 2_001},
        {"title": "Read"},
        {"inputSchema": schema},
        {"annotations": {"readOnlyHint": False}},
    ]
    for change in changes:
        await stage.put_tool("read", **change)
        digests.append(await _digest(servers, stage))
    await stage.put_tool("read", inputSchema=dict(reversed(schema.items())), outputSchema={"type": "object"})
    await stage.put_tool("new")

    assert len(set(digests)) == len(digests)
    assert await _digest(servers, stage) == digests[-1]


async def _digest(servers: Servers, stage: Stage) -> str:
    found = await listed(servers, stage)
    return next(tool.digest for tool in found.tools if tool.name == "read")


def test_numbers_of_more_than_64_bits_are_a_tools_problem_and_texts_in_an_output() -> None:
    large, schema = 10**30, {"type": "object", "maximum": 10**5_000}
    tools = [types.Tool(name="bad", input_schema=schema), types.Tool(name="good", input_schema=deep(1))]
    result = types.CallToolResult(content=[], structured_content={"id": large, "all": [2**64 - 1, -large]})

    found = catalogue_of([types.ListToolsResult(tools=tools)], STATELESS).tools
    outcome = outcome_of_result(result)

    assert [tool.problem is None for tool in found] == [False, True]
    assert outcome.content == (Json({"id": str(large), "all": [2**64 - 1, str(-large)]}),)
    orjson.dumps([tool.input_schema for tool in found])


@pytest.mark.parametrize(("text", "value"), [("1" + "0" * 308, 1e308), ("1" + "0" * 400, "1" + "0" * 400)])
def test_whatever_the_database_holds_is_read_and_can_be_sent(text: str, value: Any) -> None:
    assert read_json(f'{{"a": {text}}}') == {"a": value}
    orjson.dumps(read_json(text))


def deep(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}}
    return schema


def chain(links: int, **more: Any) -> dict[str, Any]:
    """Each is what two of the next one are."""
    twice = {
        f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}, {"$ref": f"#/$defs/a{n + 1}"}], **more}
        for n in range(links)
    }
    return {**twice, f"a{links}": {"type": "string"}}


HOSTILE: dict[str, Any] = {
    "remote": {"type": "object", "properties": {"a": {"$ref": "http://127.0.0.1:1/schema"}}},
    "file": {"type": "object", "$ref": "file:///etc/passwd"},
    "dynamic": {"type": "object", "allOf": [{"$dynamicRef": "https://evil.example/x#a"}]},
    "other meta-schema": {"type": "object", "$schema": "http://evil.example/meta"},
    "nowhere": {"type": "object", "$ref": "#/$defs/none"},
    "no schema": {"type": "object", "properties": {"a": {"type": "objekt"}}},
    "deep": deep(20),
    "wide": {"type": "object", "properties": {f"a{n}": {"type": "string"} for n in range(600)}},
    "large": {"type": "object", "description": "x" * 20_000},
    "chain": {"type": "object", "$ref": "#/$defs/a0", "$defs": chain(30)},
    "ring": {"type": "object", "$defs": {"a": {"$ref": "#/$defs/a"}}},
    "itself": {"type": "object", "allOf": [{"$ref": "#"}]},
    "left over": {"type": "object", "$ref": "#/$defs/a0", "$defs": chain(8, unevaluatedProperties=False)},
    "patterns": {"type": "object", "properties": {f"a{n}": {"pattern": f"a{n}"} for n in range(40)}},
    "moving": {"type": "object", "$dynamicAnchor": "n", "properties": {"a": {"$dynamicRef": "#n"}}},
}


async def test_a_tool_with_a_bad_schema_is_listed_and_cannot_be_offered(
    servers: Servers, stage: Stage
) -> None:
    for name, schema in HOSTILE.items():
        await stage.put_tool(name, inputSchema=schema)

    found = await listed(servers, stage)

    problems = {tool.name: tool.problem for tool in found.tools if tool.problem}
    assert set(problems) == set(HOSTILE)


@pytest.mark.parametrize("schema", [*HOSTILE.values(), None, [], "object", True])
def test_a_bad_schema_is_refused(schema: object) -> None:
    with pytest.raises(SchemaRefused):
        checked_schema(schema)


async def test_no_more_tools_are_kept_than_their_bound(servers: Servers, stage: Stage) -> None:
    for number in range(300):
        await stage.put_tool(f"more{number}")

    found = await listed(servers, stage)

    assert (len(found.tools), found.is_cut) == (300, True)


async def test_no_more_bytes_of_tools_are_kept_than_their_bound(servers: Servers, stage: Stage) -> None:
    for number in range(9):
        await stage.put_tool(f"more{number}", description="x" * 30_000)

    found = await listed(servers, stage)

    assert (len(found.tools), found.is_cut) == (16, True)
    assert max(len(tool.description) for tool in found.tools) == 1024


@pytest.mark.parametrize(
    ("arguments", "paths"),
    [
        ({"a": {"b/c": 1}}, []),
        ({"a": {"b/c": "1"}}, ["/a/b~1c"]),
        ({"x": 1}, [""]),
        ([], [""]),
        ({"a": {}, "l": ["a" * 40 + "!"]}, ["/l/0"]),
        ({"a": {}, "l": list(range(9))}, [f"/l/{n}" for n in range(5)]),
    ],
)
def test_problems_say_where_and_are_few(arguments: object, paths: list[str]) -> None:
    schema = checked_schema(
        {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "a": {"$ref": "#/$defs/a"},
                # An engine that backtracks does not come back from it.
                "l": {"items": {"type": "string", "pattern": "^(a+)+$"}},
            },
            "$defs": {"a": {"type": "object", "properties": {"b/c": {"type": "integer"}}}},
        }
    )

    assert [problem.path for problem in problems_of(schema, arguments)] == paths
