"""Schemas of tools as real servers describe their arguments, and as each kind of provider takes them."""

from typing import Any

import pytest

from neo.llm.chosen import ToolSchemas
from neo.llm.tool_schemas import taken

NOTHING = {"type": "object", "properties": {}}
TEXT = {"type": "string"}


def of(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({}, NOTHING),
        ({"type": "object"}, NOTHING),
        ({"type": None, "properties": None}, NOTHING),
        # PHP's empty object, and older drafts.
        ({"type": "object", "properties": [], "required": []}, NOTHING),
        (of(a={"type": "string", "required": True}), of(a=TEXT)),
        ({"$schema": "https://json-schema.org/draft-07/schema#", **of(a=TEXT)}, of(a=TEXT)),
        ({**of(a=TEXT), "required": ["a"]}, {**of(a=TEXT), "required": ["a"]}),
        # The names of arguments are no words of the schema.
        (
            of(enum=TEXT, required=TEXT, items={"type": "array"}),
            of(enum=TEXT, required=TEXT, items={"type": "array", "items": {}}),
        ),
        (of(a={"type": ["string", "array"]}), of(a={"type": ["string", "array"], "items": {}})),
        (
            {
                "type": "object",
                "anyOf": [{**of(a=TEXT), "required": ["a"]}, {**of(b=TEXT), "required": ["b"]}],
            },
            of(a=TEXT, b=TEXT),
        ),
        (
            {**of(a=TEXT, b=TEXT), "oneOf": [{"required": ["a"]}, {"required": ["a", "b"]}]},
            {**of(a=TEXT, b=TEXT), "required": ["a"]},
        ),
        (
            {"allOf": [{**of(a=TEXT), "required": ["a"]}, of(b=TEXT)]},
            {**of(a=TEXT, b=TEXT), "required": ["a"]},
        ),
        ({"$ref": "#/$defs/In", "$defs": {"In": of(a=TEXT)}}, {**of(a=TEXT), "$defs": {"In": of(a=TEXT)}}),
        ({"$ref": "#"}, NOTHING),
        ({"anyOf": [{"$ref": "#"}]}, NOTHING),
        # What stands deeper is everybody's.
        (of(a={"anyOf": [TEXT, {"type": "null"}]}), of(a={"anyOf": [TEXT, {"type": "null"}]})),
    ],
)
def test_every_provider_gets_an_object_with_properties(given: dict[str, Any], sent: dict[str, Any]) -> None:
    assert taken(given, "full") == sent


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"type": "string", "format": "date", "pattern": "^\\d+$", "maxLength": 9, "default": "x"}, TEXT),
        ({"anyOf": [TEXT, {"type": "null"}], "title": "A"}, TEXT),
        ({"type": ["null", "integer"], "exclusiveMinimum": 0}, {"type": "integer"}),
        ({"oneOf": [{"const": "up"}, {"const": "down"}]}, {"type": "string", "enum": ["up", "down"]}),
        ({"enum": [1, 2]}, {"type": "integer", "description": "One of: 1, 2."}),
        ({"const": "only"}, {"type": "string", "enum": ["only"]}),
        ({"enum": ["", "a", None]}, {"type": "string", "enum": ["a"]}),
        ({"type": "array"}, {"type": "array", "items": TEXT}),
        (
            {"type": "array", "items": {"$ref": "#/$defs/Row"}},
            {"type": "array", "items": of(n={"type": "number"})},
        ),
        ({"$ref": "#/$defs/Gone"}, TEXT),
        (
            {"type": "object", "additionalProperties": TEXT, "propertyNames": {"pattern": "x"}},
            {"type": "object"},
        ),
        ({"allOf": [of(b=TEXT)], "description": "It."}, {**of(b=TEXT), "description": "It."}),
        (True, TEXT),
    ],
)
def test_gemini_gets_what_openapi_has(given: Any, sent: dict[str, Any]) -> None:
    schema = {
        **of(a=given, **{"$filter": TEXT}),
        "required": ["a", "$filter"],
        "$defs": {"Row": of(n={"type": "number"})},
    }

    assert taken(schema, "plain") == {**of(a=sent), "required": ["a"]}


def test_a_definition_of_itself_has_an_end() -> None:
    tree = {"type": "object", "properties": {"left": {"$ref": "#/$defs/Tree"}}}

    sent = str(taken({**of(tree={"$ref": "#/$defs/Tree"}), "$defs": {"Tree": tree}}, "plain"))

    assert "$ref" not in sent
    assert 5 <= sent.count("left") <= 10


def test_the_flat_form_tells_in_words_what_is_inside() -> None:
    rows = {"type": "array", "items": of(n={"type": "number"}), "description": "Rows."}

    sent = taken({**of(rows=rows, name=TEXT), "required": ["rows"]}, "flat")

    assert sent["required"] == ["rows"]
    assert sent["properties"]["name"] == TEXT
    assert sent["properties"]["rows"] == {
        "type": "array",
        "items": {"type": "object"},
        "description": 'Rows. {"type":"object","properties":{"n":{"type":"number"}}}',
    }


@pytest.mark.parametrize("form", ["full", "plain", "flat"])
def test_what_is_as_deep_as_may_be_is_no_fault(form: ToolSchemas) -> None:
    deep: Any = TEXT
    for _ in range(60):
        deep = of(a=deep)

    assert taken(deep, form)["type"] == "object"
