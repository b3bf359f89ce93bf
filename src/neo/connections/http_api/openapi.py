"""An OpenAPI 3 document, as operations."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import orjson

from neo.connections.http_api.operation import METHODS, Operation, Parameter, Place
from neo.connections.schemas import DEPTH_MAX, SchemaRefused
from neo.errors import Failure, Kind

DOCUMENT_BYTES_MAX = 1024 * 1024
# So many are looked at: a model has no use for more, and each may cost a schema's worth of work.
OPERATIONS_MAX = 300
# What a schema has when all that it refers to stands in its place.
NODES_MAX = 2_000
REFERENCE_CHARACTERS_MAX = 1_000
TITLE_CHARACTERS_MAX, GROUP_CHARACTERS_MAX = 128, 64
# So many problems are told where not one operation can be called.
TOLD_MAX = 20
JSON = "application/json"


class DocumentRefused(Failure):
    """What should be an OpenAPI document is none, is too large, or has no operation that Neo can call."""

    kind = Kind.INVALID
    code = "openapi_refused"
    remedy = "Give an OpenAPI 3 document as JSON, at most 1 MiB, whose `$ref`s begin with `#/`."


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    operations: tuple[Operation, ...]
    refused: Mapping[str, str]
    """What cannot be called, by method and path, and why."""
    is_cut: bool = False
    """Whether the document has more operations than were looked at."""


def operations_of(given: Any) -> Imported:
    """The operations of a document, which may be its text; raises `DocumentRefused` where not one can be called."""
    document = _document(given)
    found: dict[str, Operation] = {}
    refused: dict[str, str] = {}
    patterns = 0
    all_told = list(islice(_told(document), OPERATIONS_MAX + 1))
    for method, path, item, told in all_told[:OPERATIONS_MAX]:
        place = f"{method} {path}"
        try:
            operation = _operation(document, method, path, item, told)
            patterns += operation.pattern_count()
            operation.check(patterns)
        except SchemaRefused as error:
            refused[place] = error.message
            continue
        if operation.name in found:
            refused[place] = f"Another operation is named {operation.name}."
        else:
            found[operation.name] = operation
    if not found:
        raise DocumentRefused(
            "The document has no operation that can be called.",
            details={"operations": dict(islice(refused.items(), TOLD_MAX))},
        )
    return Imported(operations=tuple(found.values()), refused=refused, is_cut=len(all_told) > OPERATIONS_MAX)


def _document(given: Any) -> dict[str, Any]:
    try:
        text = given if isinstance(given, str | bytes) else orjson.dumps(given)
        if len(text) > DOCUMENT_BYTES_MAX:
            raise DocumentRefused(f"The document has more than {DOCUMENT_BYTES_MAX} bytes.")
        document = orjson.loads(text)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError) as error:
        raise DocumentRefused("The document is not JSON, or nested too deep.") from error
    if not isinstance(document, dict) or not str(document.get("openapi", "")).startswith("3."):
        raise DocumentRefused("This is not an OpenAPI 3 document: its `openapi` does not begin with `3.`.")
    return document


def _told(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any], dict[str, Any]]]:
    for path, item in _mapping(document.get("paths")).items():
        for method in METHODS:
            told = _mapping(item).get(method.lower())
            if isinstance(told, dict):
                yield method, str(path), item, told


def _operation(
    document: Mapping[str, Any], method: str, path: str, item: dict[str, Any], told: dict[str, Any]
) -> Operation:
    parameters: dict[tuple[str, str], Parameter] = {}
    for given in (*_list(item.get("parameters")), *_list(told.get("parameters"))):
        parameter = _parameter(document, _resolved(document, given))
        parameters[parameter.place, parameter.name] = parameter
    body = _body(document, told)
    summary = told.get("summary")
    tags = [one for one in _list(told.get("tags")) if isinstance(one, str)]
    name = str(told.get("operationId") or f"{method.lower()}{path}")
    return Operation(
        name="".join(one if one.isascii() and one.isalnum() else "_" for one in name)[:64],
        method=method,
        path=path,
        title=summary[:TITLE_CHARACTERS_MAX] if isinstance(summary, str) else None,
        description=str(told.get("description") or summary or ""),
        group=group_of(tags[0]) if tags else None,
        parameters=(*parameters.values(), *((body,) if body else ())),
    )


def group_of(tag: str) -> str | None:
    """A tag as the name of a group: `Client-facing notes` is `CLIENT_FACING_NOTES`."""
    words = "".join(one if one.isascii() and one.isalnum() else " " for one in tag).upper().split()
    return "_".join(words)[:GROUP_CHARACTERS_MAX] or None


def _parameter(document: Mapping[str, Any], told: Any) -> Parameter:
    match told:
        case {"name": str(name), "in": "path" | "query" | "header" as place, "schema": dict(schema)}:
            known = whole_schema(document, schema)
            required = told.get("required") is True or place == "path"
            return Parameter(name=name, place=Place(place), schema=known, is_required=required)
    raise SchemaRefused("A parameter is no named one of path, query or header with a schema.")


def _body(document: Mapping[str, Any], told: Mapping[str, Any]) -> Parameter | None:
    if "requestBody" not in told:
        return None
    body = _resolved(document, told["requestBody"])
    schema = _mapping(_mapping(_mapping(body).get("content")).get(JSON)).get("schema")
    if not isinstance(schema, dict):
        raise SchemaRefused("The body is not JSON.")
    is_required = body.get("required") is True
    return Parameter(
        name="body", place=Place.BODY, schema=whole_schema(document, schema), is_required=is_required
    )


def whole_schema(document: Mapping[str, Any], schema: Any) -> Any:
    """The schema with what it refers to in its place, so that it stands alone."""
    left = NODES_MAX

    def whole(node: Any, depth: int) -> Any:
        nonlocal left
        left -= 1
        if left < 0 or depth > DEPTH_MAX:
            raise SchemaRefused(
                f"A schema has more than {NODES_MAX} parts, is too deep, or is within itself."
            )
        if isinstance(node, list):
            return [whole(one, depth + 1) for one in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            return whole(_resolved(document, node), depth + 1)
        return {name: whole(value, depth + 1) for name, value in node.items()}

    return whole(schema, 0)


def _resolved(document: Mapping[str, Any], told: Any) -> Any:
    """What a reference within the document leads to."""
    for _ in range(DEPTH_MAX):
        if not isinstance(told, dict) or "$ref" not in told:
            return told
        reference = told["$ref"]
        if not isinstance(reference, str) or not reference.startswith("#/"):
            raise SchemaRefused("A reference leads to another document: it begins with `#/` here.")
        if len(reference) > REFERENCE_CHARACTERS_MAX:
            raise SchemaRefused(f"A reference has more than {REFERENCE_CHARACTERS_MAX} characters.")
        told = document
        for part in reference.removeprefix("#/").split("/"):
            told = _mapping(told).get(part.replace("~1", "/").replace("~0", "~"))
    raise SchemaRefused("A reference leads to itself.")


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
