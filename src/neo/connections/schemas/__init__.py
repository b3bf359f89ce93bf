"""JSON Schemas of strangers: bounded, and checked without fetching anything.

What checking may cost is counted before anything is checked: references and alternatives may double at each link, and
patterns grow when they are compiled.
"""

from neo.connections.schemas.checked import (
    DEPTH_MAX,
    Problem,
    SchemaRefused,
    checked_schema,
    problems_of,
)
from neo.connections.schemas.patterns import LIST_PATTERNS_MAX, bare_of_hard_patterns, patterns_in

__all__ = [
    "DEPTH_MAX",
    "LIST_PATTERNS_MAX",
    "Problem",
    "SchemaRefused",
    "bare_of_hard_patterns",
    "checked_schema",
    "patterns_in",
    "problems_of",
]
