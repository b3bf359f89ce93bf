"""The document that we serve: equal to the checked-in one, and true to the published contract."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest

from neo.openapi_document import document
from support.client import Client

ROOT = Path(__file__).parents[2]
PUBLISHED: dict[str, Any] = json.loads((Path(__file__).parent / "published.json").read_text())
OPERATIONS = [(path, method) for path, methods in PUBLISHED["paths"].items() for method in methods]
# What a schema promises to a client; descriptions are ours to write.
PROMISES = ("type", "properties", "required", "enum", "default", "anyOf", "items", "$ref", "format", "title")


@cache
def whole() -> dict[str, Any]:
    """Made once: it takes a second."""
    found: dict[str, Any] = orjson.loads(orjson.dumps(document()))
    return found


def test_the_checked_in_document_is_what_the_code_says() -> None:
    checked_in = json.loads((ROOT / "openapi.json").read_text())

    assert checked_in == whole(), "run `make snapshots` and read the difference"


async def test_the_server_serves_it_to_everybody(client: Client, server: Any) -> None:
    stranger = Client(server.url, "")

    served = await stranger.http.get("/public-api/openapi.json")

    assert served.json() == whole()
    await stranger.http.aclose()


def test_info_and_security_are_the_published_ones() -> None:
    ours = whole()

    assert ours["info"] == PUBLISHED["info"]
    assert ours["openapi"] == PUBLISHED["openapi"]
    assert ours["security"] == []
    assert ours["components"]["securitySchemes"] == PUBLISHED["components"]["securitySchemes"]


# What we take and say beyond what was published, never required.
ADDED = {"PostMessageRequest": {"overlap"}, "PostMessageResponse": {"queued_behind"}}


@pytest.mark.parametrize("name", sorted(PUBLISHED["components"]["schemas"]))
def test_a_published_schema_is_kept(name: str) -> None:
    ours = promised(whole()["components"]["schemas"][name])
    for added in ADDED.get(name, ()):
        assert added not in ours["required"]
        del ours["properties"][added]

    assert ours == promised(PUBLISHED["components"]["schemas"][name])


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_a_published_operation_is_kept(path: str, method: str) -> None:
    ours, theirs = whole()["paths"][path][method], PUBLISHED["paths"][path][method]

    for key in ("operationId", "summary", "tags", "security", "requestBody"):
        assert ours[key] == theirs[key]
    mine = [
        (parameter["name"], parameter["in"], parameter["required"])
        for parameter in ours.get("parameters", [])
    ]
    assert mine == [(one["name"], one["in"], one["required"]) for one in theirs.get("parameters", [])]
    for status, response in theirs["responses"].items():
        # The post answers 202, as its own text says, with the body that is published for 200.
        sent = "202" if status == "200" and path.endswith("/messages") else status
        assert ours["responses"][sent]["content"] == response["content"]


def test_nothing_of_ours_leaks_into_the_published_text() -> None:
    text = json.dumps(whole())

    assert re.findall(r"\b[A-Z]{2,5}-\d{2,}\b|\b\w+\.py\b|\b_\w+\(", text) == []


def test_every_operation_is_documented() -> None:
    for path, methods in whole()["paths"].items():
        for method, found in methods.items():
            assert found["description"], f"{method} {path}"
            assert found["operationId"].startswith("public_api.")
            assert found["summary"]


def promised(schema: Any) -> Any:
    if isinstance(schema, dict):
        if "properties" in schema:
            properties = {name: promised(field) for name, field in schema["properties"].items()}
            kept = {
                key: promised(value)
                for key, value in schema.items()
                if key in PROMISES and key != "properties"
            }
            return {**kept, "properties": properties, "required": sorted(schema.get("required", []))}
        return {
            key: promised(value)
            for key, value in schema.items()
            if key in (*PROMISES, "additionalProperties")
        }
    return [promised(item) for item in schema] if isinstance(schema, list) else schema
