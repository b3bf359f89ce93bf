"""JSON Schemas of strangers: bounded, and checked without fetching anything."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Never

import jsonschema_rs
import orjson

from neo.connections.schemas.cost import CostlyError, check_references, visits_of
from neo.connections.schemas.patterns import PATTERN_OPTIONS, bare_of_hard_patterns, patterns_in
from neo.errors import Edge, Failure, Kind

SCHEMA_BYTES_MAX = 16 * 1024
DEPTH_MAX = 32
NODES_MAX = 500
# A compile of the worst of them takes some milliseconds.
PATTERNS_MAX = 32
# A model cannot do more with a longer list, and neither can a person.
PROBLEMS_MAX = 5
# To say what is wrong takes the checker many times as long as to know that something is.
EXPLAINED_VISITS_MAX = 5_000
# Tools are called more than once. The largest compiled schema takes some megabytes, a usual one some kilobytes.
KEPT_MAX = 32
_BAD = (ValueError, jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError)
_REFERENCES = frozenset({"$ref", "$dynamicRef", "$recursiveRef"})


class SchemaRefused(Failure):
    """A JSON Schema is too large, too deep, too costly to check, refers to another document, or is none."""

    kind = Kind.INVALID
    code = "schema_refused"
    remedy = "Have whoever made the tool write a smaller schema, whose `$ref`s begin with `#`."
    edges = (Edge.TURN,)


@dataclass(frozen=True, slots=True)
class Problem:
    path: str
    """Where in the arguments, as a JSON pointer; empty: the whole."""
    message: str


def checked_schema(schema: Any, *, strict: bool = False) -> dict[str, Any]:
    """The same schema, if tools may have it; raises `SchemaRefused`.

    Strict: each pattern is one that Neo checks. Otherwise those that need an engine that backtracks, as the libraries
    of some servers write them, are left to the server.
    """
    if not isinstance(schema, dict):
        raise SchemaRefused("A schema is an object.")
    _taken(_told(schema), strict=strict)
    return schema


def problems_of(schema: dict[str, Any], arguments: Any) -> tuple[Problem, ...]:
    """What is wrong with arguments, at most a few of it; raises `SchemaRefused` as `checked_schema` does, and where
    these arguments would be too costly to check.
    """
    validator = _kept(_told(schema))
    visits = _affordable(visits_of, schema, arguments)
    if validator.is_valid(arguments):
        return ()
    if visits > EXPLAINED_VISITS_MAX:
        return (Problem("", "They are not what the schema asks for, and too large to say where."),)
    found = (
        Problem(_pointer(error.instance_path), error.message) for error in validator.iter_errors(arguments)
    )
    return tuple(problem for problem, _ in zip(found, range(PROBLEMS_MAX), strict=False))


@lru_cache(KEPT_MAX)
def _kept(told: bytes) -> jsonschema_rs.Validator:
    return _taken(told, strict=False)


def _taken(told: bytes, *, strict: bool) -> jsonschema_rs.Validator:
    schema = orjson.loads(told)
    _bounded(schema)
    _affordable(check_references, schema)
    try:
        return _validator(schema)
    except _BAD as error:
        # Not its text: that may have the whole schema in it.
        refused = SchemaRefused("The schema is not a JSON Schema that stands alone.")
        if strict:
            raise refused from error
    try:
        return _validator(bare_of_hard_patterns(schema))
    except _BAD as error:
        raise refused from error


def _validator(schema: dict[str, Any]) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(schema, retriever=_fetch_nothing, pattern_options=PATTERN_OPTIONS)


def _affordable(count: Callable[..., int], *given: Any) -> int:
    try:
        return count(*given)
    except CostlyError as error:
        raise SchemaRefused(str(error)) from error


def _told(schema: dict[str, Any]) -> bytes:
    try:
        told = orjson.dumps(schema)
    except TypeError as error:
        raise SchemaRefused("The schema is too deep, or has what JSON cannot carry.") from error
    if len(told) > SCHEMA_BYTES_MAX:
        raise SchemaRefused(f"The schema has more than {SCHEMA_BYTES_MAX} bytes.")
    return told


def _bounded(schema: Any) -> None:
    if len(patterns_in(schema)) > PATTERNS_MAX:
        raise SchemaRefused(f"The schema has more than {PATTERNS_MAX} patterns.")
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
            # What is no text there is a property's of such a name.
            if isinstance(node[name], str) and not node[name].startswith("#"):
                raise SchemaRefused(f"The schema's {name} leads to another document.")
    inner = node.values() if isinstance(node, dict) else node
    return (part for part in inner if isinstance(part, dict | list))


def _pointer(path: list[str | int]) -> str:
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)


def _fetch_nothing(address: str) -> Never:
    raise ValueError(f"{address} is not fetched.")
