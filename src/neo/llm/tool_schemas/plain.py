"""Schemas with less in them, for providers that know a part of JSON Schema: Gemini knows that of OpenAPI, and servers
that make a grammar of it each know other words.

Fewer arguments are told apart so, and the tool itself refuses those that are not good.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from neo.llm.tool_schemas.references import resolved

# A definition that refers to itself has no end.
_DEPTH_MAX = 8
# Some providers have a limit, of 1,024 characters at least.
DESCRIPTION_CHARACTERS_MAX = 1_000
_LEFT_OUT_CHARACTERS_MAX = 500
_TYPES = ("object", "array", "string", "integer", "number", "boolean")
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")

Schema = Mapping[str, Any]


def plain(schema: Schema) -> dict[str, Any]:
    """Types, descriptions, properties, items, and texts to choose from."""
    return {"properties": {}, **_plain(schema, schema, _DEPTH_MAX)}


def flat(schema: Schema) -> dict[str, Any]:
    """The arguments by their types. What an object or a list has in it is told in words."""
    found = plain(schema)
    properties = {name: _flat(one) for name, one in found["properties"].items()}
    return {**found, "properties": properties}


def _flat(schema: dict[str, Any]) -> dict[str, Any]:
    if schema["type"] not in ("object", "array"):
        return schema
    items = schema.get("items", {})
    inside = schema.get("properties") or items.get("properties") or items.get("enum")
    found: dict[str, Any] = {name: schema[name] for name in ("type", "description") if name in schema}
    if schema["type"] == "array":
        found["items"] = {"type": items.get("type", "string")}
    if inside:
        written = orjson.dumps(schema.get("items") or schema).decode()[:_LEFT_OUT_CHARACTERS_MAX]
        found["description"] = _cut(f"{schema.get('description', '')} {written}".strip())
    return found


def _plain(given: object, root: Schema, depth: int) -> dict[str, Any]:
    if not depth or not isinstance(given, Mapping):
        return {"type": "object" if isinstance(given, Mapping) and "properties" in given else "string"}
    schema = _chosen(resolved(given, root), root, depth)
    found: dict[str, Any] = {"type": _type(schema)}
    described = _described(schema)
    if described:
        found["description"] = _cut(described)
    match found["type"]:
        case "object":
            found |= _object(schema, root, depth)
        case "array":
            found["items"] = _plain(schema.get("items") or {"type": "string"}, root, depth - 1)
        case "string":
            found |= {"enum": texts} if (texts := _texts(schema)) else {}
    return found


def _object(schema: Schema, root: Schema, depth: int) -> dict[str, Any]:
    given = schema.get("properties")
    # Anthropic takes no other names.
    properties = {
        name: _plain(one, root, depth - 1)
        for name, one in (given.items() if isinstance(given, Mapping) else ())
        if _NAME.fullmatch(name)
    }
    required = [name for name in schema.get("required") or () if name in properties]
    # Gemini takes no object without any.
    found: dict[str, Any] = {"properties": properties} if properties else {}
    return found | ({"required": required} if required else {})


def _chosen(schema: dict[str, Any], root: Schema, depth: int) -> dict[str, Any]:
    """One schema in place of several: their choices together where all are such, else the first that is not null."""
    found = dict(schema)
    for one in _alternatives(found.pop("allOf", None), root, depth):
        found = {**one, **found}
    for word in ("anyOf", "oneOf"):
        given = _alternatives(found.pop(word, None), root, depth)
        some = [one for one in given if one.get("type") != "null"]
        values = [value for one in some for value in _values(one)]
        if some and all(_values(one) for one in some):
            found = {"enum": values, **found}
        elif some:
            found = {**some[0], **found}
    return found


def _alternatives(given: object, root: Schema, depth: int) -> list[dict[str, Any]]:
    known = [one for one in given if isinstance(one, Mapping)] if isinstance(given, list) and depth else ()
    return [_chosen(resolved(one, root), root, depth - 1) for one in known]


def _type(schema: Schema) -> str:
    given = schema.get("type")
    names: Sequence[Any] = given if isinstance(given, list) else [given]
    known = next((name for name in names if name in _TYPES), None)
    if known is not None:
        return str(known)
    if "properties" in schema or "additionalProperties" in schema:
        return "object"
    values = _values(schema)
    return "array" if "items" in schema else _type_of(values[0]) if values else "string"


def _type_of(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "integer" if isinstance(value, int) else "number" if isinstance(value, float) else "string"


def _values(schema: Schema) -> list[Any]:
    given = schema.get("enum")
    return list(given) if isinstance(given, list) else [schema["const"]] if "const" in schema else []


def _texts(schema: Schema) -> list[str]:
    return [one for one in _values(schema) if isinstance(one, str) and one]


def _described(schema: Schema) -> str:
    given = schema.get("description")
    values = [str(one) for one in _values(schema) if not isinstance(one, str) and one is not None]
    told = f"One of: {', '.join(values)}." if values else ""
    return f"{given if isinstance(given, str) else ''} {told}".strip()


def _cut(text: str) -> str:
    return text[:DESCRIPTION_CHARACTERS_MAX]
