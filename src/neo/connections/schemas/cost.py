"""What it costs to check arguments by a schema, counted before anything is checked.

A reference costs what it refers to each time that it is followed: a schema of a kilobyte may refer to itself in a chain
that doubles at each link. The checker follows each of them; the counting follows equal ones once, and counts how many
they are. So it takes no longer than its limit, however many visits of the checker it counts.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any, TypeAlias
from urllib.parse import unquote

from neo.connections.schemas.patterns import objects_in

# The checker makes some millions of visits a second. What tools have in real life takes some hundreds.
VISITS_MAX = 50_000
# The checker goes so deep for each depth of the value, on the machine's stack.
ALIKE_DEPTH_MAX = 64
# A text costs its pattern a visit for so many characters.
CHARACTERS_A_VISIT = 64
_ALIKE = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else")
_ALIKE_BY_NAME = ("dependentSchemas", "dependencies")
# Each is checked against all that an object or a list has in it.
_INNER = (
    "additionalProperties", "unevaluatedProperties", "propertyNames",
    "items", "prefixItems", "additionalItems", "unevaluatedItems", "contains",
)  # fmt: skip
_UNEVALUATED = frozenset({"unevaluatedProperties", "unevaluatedItems"})
_MOVING = ("$dynamicRef", "$recursiveRef")
# To know what is left over, the checker asks the rest of the schema again for each that there is.
UNEVALUATED_FACTOR = 64


class CostlyError(Exception):
    """Why a schema, or arguments, cannot be checked; safe to show."""


def check_references(schema: dict[str, Any]) -> int:
    """Follow all that is checked of one and the same value; raises `CostlyError`."""
    begun = [(node, None) for node in objects_in(schema)]
    problem = "The schema refers to too much, or to itself."
    return _count(schema, begun, problem, levels_max=ALIKE_DEPTH_MAX)


def visits_of(schema: dict[str, Any], arguments: Any) -> int:
    """How many parts of the schema meet how many of the arguments; raises `CostlyError`."""
    return _count(schema, [(schema, arguments)], "The arguments take too long to check against the schema.")


def _count(
    schema: dict[str, Any], begun: list[tuple[Any, Any]], problem: str, *, levels_max: int = VISITS_MAX
) -> int:
    """Level by level: how often each part of the schema meets each part of the value."""
    references = _References(schema)
    visits, levels = 0, 0
    level = {(id(node), id(value)): (node, value, 1) for node, value in begun}
    while level:
        levels += 1
        if levels > levels_max:
            raise CostlyError(problem)
        following: defaultdict[tuple[int, int], list[Any]] = defaultdict(lambda: [None, None, 0])
        for node, value, times in level.values():
            visits += times * _weight(node, value)
            if visits > VISITS_MAX:
                raise CostlyError(problem)
            factor = UNEVALUATED_FACTOR if _UNEVALUATED & node.keys() else 1
            for inner, part, more in _met(node, value, references):
                if isinstance(inner, dict):
                    met = following[id(inner), id(part)]
                    met[:] = inner, part, met[2] + times * factor * more
        level = {key: (node, value, times) for key, (node, value, times) in following.items()}
    return visits


def _weight(node: dict[str, Any], value: Any) -> int:
    has_pattern = isinstance(value, str) and "pattern" in node
    return 1 + (_size(value) if has_pattern else 0)


_Met: TypeAlias = Iterator[tuple[Any, Any, int]]


def _met(node: dict[str, Any], value: Any, references: "_References") -> _Met:
    """What of the schema is asked of what of the value next, and how often."""
    if isinstance(reference := node.get("$ref"), str):
        yield references.of(reference), value, 1
    for name in _ALIKE:
        for inner in _each(node.get(name)):
            yield inner, value, 1
    for name in _ALIKE_BY_NAME:
        if isinstance(by_name := node.get(name), dict):
            yield from ((inner, value, 1) for inner in by_name.values())
    yield from _met_inside(node, value)


def _met_inside(node: dict[str, Any], value: Any) -> _Met:
    if not isinstance(value, dict | list):
        return
    if isinstance(value, dict) and isinstance(properties := node.get("properties"), dict):
        yield from ((properties[name], value[name], 1) for name in properties.keys() & value.keys())
    inner = [one for name in _INNER if name in node for one in _each(node[name])]
    if isinstance(by_pattern := node.get("patternProperties"), dict):
        inner += by_pattern.values()
    for part, times in _parts(value) if inner else ():
        yield from ((one, part, times) for one in inner)


def _parts(value: Any) -> list[tuple[Any, int]]:
    """All that it has in it; what has nothing in it, and costs the same, together."""
    parts = list(value.values()) if isinstance(value, dict) else value
    alike = Counter(_size(part) for part in parts if not isinstance(part, dict | list))
    texts = (("x" * size * CHARACTERS_A_VISIT, times) for size, times in alike.items())
    return [*((part, 1) for part in parts if isinstance(part, dict | list)), *texts]


def _size(part: Any) -> int:
    return len(part) // CHARACTERS_A_VISIT if isinstance(part, str) else 0


def _each(inner: Any) -> list[Any]:
    return inner if isinstance(inner, list) else [inner]


class _References:
    """What references lead to, as the checker finds it."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._schema = schema
        self._anchors: dict[str, Any] = {}
        nodes = list(objects_in(schema))
        for node in nodes:
            for name in _anchors(node):
                if self._anchors.setdefault(name, node) is not node:
                    raise CostlyError("The schema has two parts of one name.")
        has_references = any(isinstance(node.get("$ref"), str) for node in nodes)
        if has_references and any(_is_own_document(node) for node in nodes if node is not schema):
            raise CostlyError("The schema has another document in it.")
        if any(isinstance(node.get(name), str) for node in nodes for name in _MOVING):
            raise CostlyError("The schema has references that lead elsewhere each time.")

    def of(self, reference: str) -> Any:
        name = unquote(reference.removeprefix("#"))
        if name and not name.startswith("/"):
            return self._anchors.get(name)
        node: Any = self._schema
        for step in name.split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            try:
                node = node[int(key)] if isinstance(node, list) else node[key]
            except (KeyError, IndexError, ValueError, TypeError):
                raise CostlyError("The schema has a reference that leads nowhere.") from None
        return node


def _anchors(node: dict[str, Any]) -> Iterator[str]:
    if isinstance(anchor := node.get("$anchor"), str):
        yield anchor
    for key in ("$id", "id"):
        # With a slash it is a place's own name, as some tools write it: no reference needs it.
        if isinstance(name := node.get(key), str) and name.startswith("#") and "/" not in name:
            yield name[1:]


def _is_own_document(node: dict[str, Any]) -> bool:
    """References below it would not begin at the schema's root."""
    return isinstance(name := node.get("$id"), str) and not name.startswith("#")
