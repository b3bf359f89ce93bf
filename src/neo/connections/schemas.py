"""JSON Schemas of strangers: bounded, and checked without fetching anything."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Never

import jsonschema_rs
import orjson

from neo.errors import Edge, Failure, Kind

SCHEMA_BYTES_MAX = 16 * 1024
DEPTH_MAX = 32
NODES_MAX = 500
# A model cannot do more with a longer list, and neither can a person.
PROBLEMS_MAX = 5
_REFERENCES = frozenset({"$ref", "$dynamicRef", "$recursiveRef"})


class SchemaRefused(Failure):
    """A JSON Schema is too large, too deep, refers to another document, or is none."""

    kind = Kind.INVALID
    code = "schema_refused"
    remedy = "Have whoever made the tool write a smaller schema, whose `$ref`s begin with `#`."
    edges = (Edge.TURN,)


@dataclass(frozen=True, slots=True)
class Problem:
    path: str
    """Where in the arguments, as a JSON pointer; empty: the whole."""
    message: str


def checked_schema(schema: Any) -> dict[str, Any]:
    """The same schema, if tools may have it; raises `SchemaRefused`."""
    if not isinstance(schema, dict):
        raise SchemaRefused("A schema is an object.")
    _bounded(schema)
    if len(orjson.dumps(schema)) > SCHEMA_BYTES_MAX:
        raise SchemaRefused(f"The schema has more than {SCHEMA_BYTES_MAX} bytes.")
    _compiled(schema)
    return schema


def problems_of(schema: dict[str, Any], arguments: Any) -> tuple[Problem, ...]:
    """What is wrong with arguments, at most a few of it; raises `SchemaRefused` as `checked_schema` does."""
    errors = _compiled(schema).iter_errors(arguments)
    found = (Problem(_pointer(error.instance_path), error.message) for error in errors)
    return tuple(problem for problem, _ in zip(found, range(PROBLEMS_MAX), strict=False))


def _compiled(schema: dict[str, Any]) -> jsonschema_rs.Validator:
    try:
        # The plain engine of regular expressions takes linear time; the other one backtracks.
        return jsonschema_rs.validator_for(
            schema, retriever=_fetch_nothing, pattern_options=jsonschema_rs.RegexOptions()
        )
    except (ValueError, jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as error:
        # Not its text: that may have the whole schema in it.
        raise SchemaRefused("The schema is not a JSON Schema that stands alone.") from error


def _bounded(schema: Any) -> None:
    nodes = 0
    level: list[Any] = [schema]
    for _ in range(DEPTH_MAX):
        nodes += len(level)
        if nodes > NODES_MAX:
            raise SchemaRefused(f"The schema has more than {NODES_MAX} parts.")
        level = [part for node in level for part in _parts(node)]
        if not level:
            return
    raise SchemaRefused(f"The schema is nested deeper than {DEPTH_MAX}.")


def _parts(node: Any) -> Iterator[Any]:
    """The objects and lists in a node."""
    if isinstance(node, dict):
        for name in _REFERENCES & node.keys():
            if not isinstance(node[name], str) or not node[name].startswith("#"):
                raise SchemaRefused(f"The schema's {name} leads to another document.")
    inner = node.values() if isinstance(node, dict) else node
    return (part for part in inner if isinstance(part, dict | list))


def _pointer(path: list[str | int]) -> str:
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)


def _fetch_nothing(address: str) -> Never:
    raise ValueError(f"{address} is not fetched.")
