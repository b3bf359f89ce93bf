"""Schemas as the libraries of real servers write them are taken, and what checking costs is bounded."""

import time
from typing import Any

import pytest

from neo.connections import SchemaRefused, checked_schema, problems_of
from neo.connections.schemas import bare_of_hard_patterns

DRAFT_7 = "http://json-schema.org/draft-07/schema#"
DRAFT_2020 = "https://json-schema.org/draft/2020-12/schema"
ZOD_EMAIL = (
    r"^(?!\.)(?!.*\.\.)([A-Za-z0-9_'+\-\.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9\-]*\.)+[A-Za-z]{2,}$"
)
UUID = r"^([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-8][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12})$"
TREE = {
    "anyOf": [
        {"properties": {"and": {"type": "array", "items": {"$ref": "#/$defs/Filter"}}}, "required": ["and"]},
        {"properties": {"not": {"$ref": "#/$defs/Filter"}}, "required": ["not"]},
        {"properties": {"field": {"type": "string"}, "value": {}}, "required": ["field", "value"]},
    ]
}
# The schema, arguments that fit, and arguments that do not.
IN_USE: dict[str, tuple[dict[str, Any], Any, Any]] = {
    "pydantic, nested definitions": (
        {
            "$defs": {
                "Address": {"properties": {"zip": {"type": "string"}}, "required": ["zip"], "type": "object"},
                "User": {
                    "properties": {
                        "home": {"$ref": "#/$defs/Address"},
                        "work": {"anyOf": [{"$ref": "#/$defs/Address"}, {"type": "null"}], "default": None},
                    },
                    "required": ["home"],
                    "type": "object",
                },
            },
            "properties": {"users": {"items": {"$ref": "#/$defs/User"}, "type": "array"}},
            "type": "object",
        },
        {"users": [{"home": {"zip": "1"}, "work": None}]},
        {"users": [{"home": {}}]},
    ),
    "pydantic, recursive": (
        {
            "$defs": {
                "Node": {"type": "object", "properties": {"children": {"items": {"$ref": "#/$defs/Node"}}}}
            },
            "$ref": "#/$defs/Node",
            "type": "object",
        },
        {"children": [{"children": []}]},
        {"children": [{"children": [1]}]},
    ),
    "pydantic, discriminated union": (
        {
            "type": "object",
            "properties": {
                "pet": {
                    "discriminator": {"propertyName": "kind", "mapping": {"cat": "#/$defs/Cat"}},
                    "oneOf": [{"$ref": "#/$defs/Cat"}, {"$ref": "#/$defs/Dog"}],
                }
            },
            "$defs": {
                "Cat": {"type": "object", "properties": {"kind": {"const": "cat"}}, "required": ["kind"]},
                "Dog": {"type": "object", "properties": {"kind": {"const": "dog"}}, "required": ["kind"]},
            },
        },
        {"pet": {"kind": "dog"}},
        {"pet": {"kind": "cow"}},
    ),
    "zod 3": (
        {
            "$schema": DRAFT_7,
            "type": "object",
            "properties": {
                "from": {"type": "object", "properties": {"at": {"type": "string", "format": "date-time"}}},
                "to": {"$ref": "#/properties/from"},
                "n": {"type": "integer", "exclusiveMinimum": 0, "maximum": 9007199254740991},
            },
            "additionalProperties": False,
        },
        {"to": {"at": "2026-01-01T00:00:00Z"}, "n": 1},
        {"n": 0},
    ),
    "zod 4, an address of mail": (
        {
            "$schema": DRAFT_2020,
            "type": "object",
            "properties": {
                "mail": {"type": "string", "format": "email", "pattern": ZOD_EMAIL},
                "id": {"type": "string", "format": "uuid", "pattern": UUID},
            },
            "required": ["mail"],
            "additionalProperties": False,
        },
        {"mail": "a@b.example", "id": "8c7a1f2e-1111-4222-8333-444455556666"},
        {"mail": "a@b.example", "id": "x"},
    ),
    "zod 4, lazy": (
        {
            "type": "object",
            "properties": {"tree": {"$ref": "#/$defs/__schema0"}},
            "$defs": {
                "__schema0": {
                    "anyOf": [
                        {"type": "string"},
                        {"type": "array", "items": {"$ref": "#/$defs/__schema0"}},
                        {"type": "object", "additionalProperties": {"$ref": "#/$defs/__schema0"}},
                    ]
                }
            },
        },
        {"tree": {"a": ["b", {"c": "d"}]}},
        {"tree": {"a": [1]}},
    ),
    "a tree of filters": (
        {"type": "object", "properties": {"filter": {"$ref": "#/$defs/Filter"}}, "$defs": {"Filter": TREE}},
        {"filter": {"and": [{"not": {"field": "a", "value": 1}}]}},
        {"filter": {"and": [{"not": {"field": 1, "value": 1}}]}},
    ),
    "names of places as ids": (
        {
            "$schema": DRAFT_7,
            "$id": "https://example.com/a.json",
            "type": "object",
            "properties": {"a": {"$id": "#/properties/a", "type": "string"}},
        },
        {"a": "b"},
        {"a": 1},
    ),
    "a map, and letters of all languages": (
        {
            "type": "object",
            "patternProperties": {"^x-": {"type": "string"}},
            "properties": {"name": {"type": "string", "pattern": r"^[\p{L}\p{N} .'-]{1,100}$"}},
            "additionalProperties": {"type": "integer"},
        },
        {"x-a": "b", "name": "Zoë", "n": 1},
        {"x-a": 1},
    ),
    "conditions, and properties of these names": (
        {
            "type": "object",
            "properties": {
                "$ref": {"type": "string"},
                "pattern": {"type": "string"},
                "if": {"type": "string"},
            },
            "if": {"required": ["pattern"]},
            "then": {"required": ["if"]},
            "dependentRequired": {"$ref": ["pattern"]},
        },
        {"pattern": "a", "if": "b"},
        {"$ref": "a"},
    ),
    "no arguments": ({"type": "object", "properties": {}, "additionalProperties": False}, {}, {"a": 1}),
    "a long list": (
        {"type": "object", "properties": {"ids": {"type": "array", "items": {"type": "integer"}}}},
        {"ids": list(range(12_000))},
        {"ids": ["a"]},
    ),
}


@pytest.mark.parametrize("name", IN_USE)
def test_what_real_servers_send_is_taken_and_checked(name: str) -> None:
    schema, right, wrong = IN_USE[name]

    assert checked_schema(schema) == schema
    assert not problems_of(schema, right)
    assert problems_of(schema, wrong)


def test_a_pattern_that_needs_backtracking_is_the_servers_to_check_but_not_in_a_gate() -> None:
    schema, *_ = IN_USE["zod 4, an address of mail"]

    assert not problems_of(schema, {"mail": "nobody"})
    with pytest.raises(SchemaRefused):
        checked_schema(schema, strict=True)


def test_a_pattern_is_not_passed_over_where_that_would_refuse_what_is_right() -> None:
    assert "pattern" in bare_of_hard_patterns({"not": {"pattern": "(?=a)"}})["not"]
    with pytest.raises(SchemaRefused):
        checked_schema({"type": "object", "properties": {"a": {"not": {"pattern": "(?=a)"}}}})


@pytest.mark.parametrize(
    "pattern", [r"\p{L}{200}", r"(\p{L}{100}){100}", r"(((\w{1,99}){1,99}){1,99}){1,99}", "(" * 300]
)
def test_the_compiling_of_patterns_is_bounded(pattern: str) -> None:
    schema = {"type": "object", "properties": {f"a{n}": {"pattern": f"{pattern}{n}"} for n in range(30)}}
    begun = time.process_time()

    checked_schema(schema)

    assert time.process_time() - begun < 1


def test_arguments_that_double_at_each_level_are_not_checked() -> None:
    twice = {"properties": {"c": {"$ref": "#/$defs/n"}}, "required": ["z"]}
    schema = {"type": "object", "$ref": "#/$defs/n", "$defs": {"n": {"anyOf": [twice, {**twice}]}}}
    arguments: Any = 1
    for _ in range(31):
        arguments = {"c": arguments}
    begun = time.process_time()

    checked_schema(schema)
    with pytest.raises(SchemaRefused):
        problems_of(schema, arguments)

    assert time.process_time() - begun < 1
