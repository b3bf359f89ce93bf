"""Regular expressions in strangers' schemas: each takes linear time, and is small when it is compiled."""

from collections.abc import Iterator
from typing import Any

import jsonschema_rs

# `\p{L}` takes 50 KiB, and a compile up to this limit 1 ms.
COMPILED_BYTES_MAX = 64 * 1024
# The plain engine takes linear time; the other one backtracks.
PATTERN_OPTIONS = jsonschema_rs.RegexOptions(
    size_limit=COMPILED_BYTES_MAX, dfa_size_limit=4 * COMPILED_BYTES_MAX
)
# So many in all tools of one list, which are compiled when the list is read.
LIST_PATTERNS_MAX = 1_000
# Below these a pattern that is passed over would refuse what is right.
_TURNING = frozenset({"not", "if", "oneOf"})


def patterns_in(schema: Any) -> list[str]:
    return [pattern for node in objects_in(schema) for pattern in _patterns(node)]


def bare_of_hard_patterns(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema, changed in place, without the patterns that the plain engine does not take."""
    nodes = list(objects_in(schema))
    if any(_TURNING & node.keys() for node in nodes):
        return schema
    for node in nodes:
        if isinstance(pattern := node.get("pattern"), str) and not _is_plain(pattern):
            del node["pattern"]
    return schema


def _is_plain(pattern: str) -> bool:
    try:
        jsonschema_rs.validator_for({"pattern": pattern}, pattern_options=PATTERN_OPTIONS)
    except (ValueError, jsonschema_rs.ValidationError):
        return False
    return True


def _patterns(node: dict[str, Any]) -> Iterator[str]:
    if isinstance(pattern := node.get("pattern"), str):
        yield pattern
    if isinstance(by_pattern := node.get("patternProperties"), dict):
        yield from by_pattern


def objects_in(schema: Any) -> Iterator[dict[str, Any]]:
    level = [schema]
    while level:
        node = level.pop()
        if isinstance(node, dict):
            yield node
        inner = node.values() if isinstance(node, dict) else node
        level.extend(one for one in inner if isinstance(one, dict | list))
