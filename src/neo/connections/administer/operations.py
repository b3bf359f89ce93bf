"""The operations of an HTTP API as they are sent: an OpenAPI document, or written by hand."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints

from neo.api import Line
from neo.connections.http_api import (
    Operation,
    Parameter,
    Place,
    catalogue_of,
    operations_of,
    variables_of,
    whole_schema,
)
from neo.connections.rows.errors import ConnectionKindMismatch, OperationsInvalid
from neo.connections.rows.models import AuthType, ConnectionKind
from neo.connections.schemas import SchemaRefused
from neo.connections.tools import DESCRIPTION_CHARACTERS_MAX, TOOLS_MAX, Catalogue

BODY = "body"
OpenApi = str | dict[str, Any]
Group = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,63}$")]


class WrittenOperation(BaseModel):
    """An operation that is written by hand."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
    path: Annotated[str, StringConstraints(max_length=1_000)] = Field(
        description="Below the connection's `url`; `{name}` stands for an argument."
    )
    title: Annotated[Line, StringConstraints(max_length=128)] | None = None
    description: Annotated[str, StringConstraints(max_length=DESCRIPTION_CHARACTERS_MAX)] = ""
    group: Group | None = Field(None, description="By which an agent's toolbox may allow it, or not.")
    input_schema: dict[str, Any] = Field(
        default_factory=lambda: {"type": "object", "properties": {}},
        description="A JSON Schema of its arguments as one object; a `$ref` begins with `#/`.",
    )
    places: dict[str, Place] = Field(
        default_factory=dict,
        description="Where an argument goes: `path`, `query`, `header`, or `body` for the whole body as JSON. Left "
        "out: into the path where that names it, into the body if it is named `body`, else into the query.",
    )


async def listing_of(
    kind: str, openapi: OpenApi | None, operations: Sequence[WrittenOperation] | None, *, is_new: bool
) -> Catalogue | None:
    """The tools of a connection, if any were sent. Raises `ConnectionKindMismatch`, `DocumentRefused` and
    `OperationsInvalid`.
    """
    _check_kind(kind, openapi, operations, is_new=is_new)
    if openapi is not None:
        # A large document takes a part of a second.
        return await asyncio.to_thread(_imported, openapi)
    return await asyncio.to_thread(_written, operations) if operations is not None else None


def check_company_places(kind: str, places: Mapping[str, Any], auth: Mapping[str, Any]) -> None:
    own = auth["header"] if auth["type"] == AuthType.HEADER else ""
    if own and str(places.get("header")).lower() == own.lower():
        raise _mismatch({"company_in.header": "is the header that the connection signs in with"})
    if kind == ConnectionKind.HTTP_API and "meta" in places:
        raise _mismatch({"company_in.meta": "goes with the kind MCP_HTTP: an HTTP API has no `_meta`"})


def _check_kind(kind: str, openapi: object, operations: object, *, is_new: bool) -> None:
    given = [name for name, value in (("openapi", openapi), ("operations", operations)) if value is not None]
    if kind != ConnectionKind.HTTP_API:
        problem = "goes with the kind HTTP_API"
    elif len(given) > 1:
        problem = "goes alone: send `openapi` or `operations`"
    elif is_new and not given:
        given, problem = ["openapi", "operations"], "one of both is needed for the kind HTTP_API"
    else:
        return
    if given:
        raise _mismatch(dict.fromkeys(given, problem))


def _imported(document: OpenApi) -> Catalogue:
    found = operations_of(document)
    return catalogue_of(found.operations, found.refused, is_cut=found.is_cut)


def _written(operations: Sequence[WrittenOperation]) -> Catalogue:
    found: dict[str, Operation] = {}
    problems: dict[str, str] = {}
    for index, one in enumerate(operations):
        try:
            operation = _operation(one)
            operation.check()
        except SchemaRefused as refused:
            problems[f"operations.{index}"] = f"{one.method} {one.path}"[:200] + f": {refused.message}"
            continue
        if operation.name in found:
            problems[f"operations.{index}.name"] = "is another operation's"
        found[operation.name] = operation
    if problems:
        raise OperationsInvalid("Some operations cannot be called.", details={"fields": problems})
    catalogue = catalogue_of(list(found.values()))
    if catalogue.is_cut:
        problem = f"are more than {TOOLS_MAX}, or larger together than a model can be shown"
        raise OperationsInvalid("These are too many operations.", details={"fields": {"operations": problem}})
    return catalogue


def _operation(one: WrittenOperation) -> Operation:
    properties = one.input_schema.get("properties", {})
    required = one.input_schema.get("required", [])
    if not isinstance(properties, dict) or not isinstance(required, list):
        raise SchemaRefused("`input_schema` has `properties`, an object, and `required`, a list.")
    if unknown := {*one.places, *map(str, required)} - properties.keys():
        raise SchemaRefused(f"{min(unknown)[:64]} is not one of the `properties` of `input_schema`.")
    in_path = variables_of(one.path)
    parameters = []
    for name, schema in properties.items():
        usual = Place.PATH if name in in_path else Place.BODY if name == BODY else Place.QUERY
        place = one.places.get(name, usual)
        known = whole_schema(one.input_schema, schema)
        is_required = name in required or place is Place.PATH
        parameters.append(Parameter(name=name, place=place, schema=known, is_required=is_required))
    return Operation(
        name=one.name,
        method=one.method,
        path=one.path,
        title=one.title,
        description=one.description,
        group=one.group,
        parameters=tuple(parameters),
    )


def _mismatch(fields: dict[str, str]) -> ConnectionKindMismatch:
    return ConnectionKindMismatch(
        f"{', '.join(fields)}: does not go with the connection's kind.", details={"fields": fields}
    )
