"""The JSON Schema of a tool's arguments, as providers take it.

One schema that a provider refuses ends every call of the session, for all tools are sent with each. So what some
provider is known to refuse of any schema is put otherwise, without changing which arguments are good.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import orjson

from neo.llm.chosen import ToolSchemas
from neo.llm.tool_schemas.plain import flat, plain
from neo.llm.tool_schemas.references import resolved

# Deeper than what anybody fills in. What is below is any value.
_DEPTH_MAX = 32
# OpenAI and Anthropic take none of these beside the type of all arguments, whose alternatives become one object.
_CHOICES = ("allOf", "anyOf", "oneOf")
_NOT_AT_TOP = (*_CHOICES, "not", "enum", "const", "$schema", "$id", "$ref", "if", "then", "else")
# Tools stay the same from turn to turn.
_SCHEMAS_KEPT = 512


def taken(schema: Mapping[str, Any], form: ToolSchemas) -> dict[str, Any]:
    """The schema of a tool's arguments, for a model that takes this form."""
    return _taken(orjson.dumps(schema), form)


@lru_cache(_SCHEMAS_KEPT)
def _taken(given: bytes, form: ToolSchemas) -> dict[str, Any]:
    schema = whole(orjson.loads(given))
    match form:
        case "plain":
            return plain(schema)
        case "flat":
            return flat(schema)
    return schema


def whole(schema: Any) -> dict[str, Any]:
    """The same arguments, in the form that OpenAI, Anthropic and most others take."""
    top = resolved(schema, schema) if isinstance(schema, Mapping) else {}
    properties, required = _merged(top, top, _DEPTH_MAX)
    rest = {name: value for name, value in top.items() if name not in _NOT_AT_TOP}
    return _whole({**rest, "type": "object", "properties": properties, "required": required}, _DEPTH_MAX)


def _merged(
    schema: Mapping[str, Any], root: Mapping[str, Any], depth: int
) -> tuple[dict[str, Any], list[str]]:
    """All properties of an object and of its alternatives, and which of them each alternative requires."""
    properties, required = _properties(schema), _names(schema.get("required"))
    for word in _CHOICES if depth else ():
        parts = [_merged(resolved(one, root), root, depth - 1) for one in _objects(schema.get(word))]
        for found, _ in parts:
            properties = {**found, **properties}
        needed = [set(names) for _, names in parts]
        if needed:
            common = set.union(*needed) if word == "allOf" else set.intersection(*needed)
            required += sorted(common - set(required))
    return properties, required


def _whole(schema: dict[str, Any], depth: int) -> dict[str, Any]:
    if not depth:
        return {}
    found = {name: _value(name, value, depth) for name, value in schema.items()}
    if "properties" in schema:
        found["properties"] = {name: _any(one, depth) for name, one in _properties(schema).items()}
    # OpenAI refuses an array of whatever, and older drafts an empty list of what is required.
    types = schema.get("type")
    if types == "array" or (isinstance(types, list) and "array" in types):
        found.setdefault("items", {})
    if "required" in schema:
        found["required"] = _names(schema["required"])
    return {name: value for name, value in found.items() if name != "required" or value}


def _value(name: str, value: Any, depth: int) -> Any:
    if name in ("$defs", "definitions", "patternProperties", "dependentSchemas") and isinstance(value, dict):
        return {key: _any(one, depth) for key, one in value.items()}
    if name in ("items", "additionalProperties", "not", "contains", "propertyNames", "if", "then", "else"):
        return _any(value, depth)
    if name in (*_CHOICES, "prefixItems") and isinstance(value, list):
        return [_any(one, depth) for one in value]
    return value


def _any(schema: Any, depth: int) -> Any:
    return _whole(schema, depth - 1) if isinstance(schema, dict) else schema


def _properties(schema: Mapping[str, Any]) -> dict[str, Any]:
    # PHP writes an empty object as a list.
    properties = schema.get("properties")
    return dict(properties) if isinstance(properties, Mapping) else {}


def _names(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _objects(value: object) -> Iterable[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else ()
