"""Operations as a connection's tools: bounded, judged, and each with a digest of all that makes its requests."""

from collections.abc import Iterator, Mapping, Sequence

import orjson

from neo.connections.http_api.operation import Operation
from neo.connections.tools import (
    DESCRIPTION_CHARACTERS_MAX,
    LIST_BYTES_MAX,
    TOOLS_MAX,
    Catalogue,
    ListedTool,
    digest_of,
)


def catalogue_of(
    operations: Sequence[Operation], refused: Mapping[str, str] | None = None, *, is_cut: bool = False
) -> Catalogue:
    """Those that cannot be called are among the tools under their method and path, with what is wrong with them."""
    tools: list[ListedTool] = []
    size = 0
    for tool in _tools(operations, refused or {}):
        size += len(orjson.dumps([tool.description, tool.input_schema, tool.operation]))
        if len(tools) == TOOLS_MAX or size > LIST_BYTES_MAX:
            is_cut = True
            break
        tools.append(tool)
    return Catalogue(protocol="", tools=tuple(tools), is_cut=is_cut)


def _tools(operations: Sequence[Operation], refused: Mapping[str, str]) -> Iterator[ListedTool]:
    for one in operations:
        told = {
            "title": one.title,
            "description": one.description,
            "inputSchema": one.input_schema(),
            "group": one.group,
            **one.request(),
        }
        yield ListedTool(
            name=one.name,
            title=one.title,
            description=one.description[:DESCRIPTION_CHARACTERS_MAX],
            input_schema=told["inputSchema"],
            hints=one.hints(),
            operation=one.request(),
            group=one.group,
            digest=digest_of(told),
        )
    for place, problem in refused.items():
        yield ListedTool(
            name=place,
            title=None,
            description="",
            input_schema={},
            hints={},
            digest=digest_of({"place": place, "problem": problem}),
            problem=problem,
        )
