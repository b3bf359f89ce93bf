"""What a server says of its tools, bounded and judged."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson
from mcp import types

from neo.connections.schemas import LIST_PATTERNS_MAX, SchemaRefused, checked_schema, patterns_in
from neo.connections.tools import (
    DESCRIPTION_CHARACTERS_MAX,
    LIST_BYTES_MAX,
    NAME_CHARACTERS_MAX,
    TOOLS_MAX,
    Catalogue,
    ListedTool,
    digest_of,
)
from neo.db import plain_json

# What a person approves when the tool is pinned: a change of any of it needs a new yes. Icons and the schema of the
# answers are not looked at.
_PINNED = {"name", "title", "description", "input_schema", "annotations"}
FRESH_SECONDS_MAX = 24 * 3600.0


def catalogue_of(pages: list[types.ListToolsResult], protocol: str) -> Catalogue:
    """It may take a second or two, and is not for the event loop."""
    tools: dict[str, ListedTool] = {}
    size, patterns, is_cut = 0, 0, pages[-1].next_cursor is not None
    for said in _told(pages):
        told = plain_json(said)
        size += len(orjson.dumps(told))
        patterns += len(patterns_in(told["inputSchema"]))
        if len(tools) == TOOLS_MAX or size > LIST_BYTES_MAX or patterns > LIST_PATTERNS_MAX:
            is_cut = True
            break
        tool = _tool(told, problem=_problem(told, tools, has_large_numbers=told != said))
        tools[tool.name] = tool
    fresh = min((page.ttl_ms or 0) / 1000 for page in pages)
    return Catalogue(
        protocol=protocol,
        tools=tuple(tools.values()),
        is_cut=is_cut,
        fresh_seconds=min(fresh, FRESH_SECONDS_MAX),
    )


def _told(pages: Iterable[types.ListToolsResult]) -> Iterator[dict[str, Any]]:
    for page in pages:
        for tool in page.tools:
            yield tool.model_dump(mode="json", by_alias=True, exclude_none=True, include=_PINNED)


def _tool(told: dict[str, Any], problem: str | None) -> ListedTool:
    hints = told.get("annotations", {})
    return ListedTool(
        name=told["name"],
        title=told.get("title"),
        description=told.get("description", "")[:DESCRIPTION_CHARACTERS_MAX],
        input_schema=told["inputSchema"],
        hints={name: value for name, value in hints.items() if isinstance(value, bool)},
        digest=digest_of(told),
        problem=problem,
    )


def _problem(
    told: dict[str, Any], others: Mapping[str, ListedTool], *, has_large_numbers: bool
) -> str | None:
    if told["name"] in others:
        return "The server lists two tools of this name."
    if has_large_numbers:
        return "It has a whole number of more than 64 bits."
    if not 0 < len(told["name"]) <= NAME_CHARACTERS_MAX or not told["name"].isprintable():
        return f"Its name has more than {NAME_CHARACTERS_MAX} characters, or some that cannot be shown."
    try:
        checked_schema(told["inputSchema"])
    except SchemaRefused as refused:
        return refused.message
    return None
