"""Many tools: the model is offered a search in their place, and what it has found so far in its turn.

Nothing is kept for it. What was found stands in the outcomes of the turn's settled calls, so whoever goes on with the
turn, after a crash or a wait, offers the same. Tools are added behind those that were offered before: what a provider
has cached of the prompt stays good.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from neo.llm import Round
from neo.toolbox.offered import OfferedTool

# A model chooses worse among more, and each costs some hundred tokens in every request.
OFFERED_MAX = 24
# No tool of a connection has this name: theirs have `__` in them.
SEARCH_TOOLS = "search_tools"
FOUND_MAX = 8
QUERY_CHARACTERS_MAX = 500
DESCRIPTION_CHARACTERS_MAX = 200
# A word of a tool's name says more of it than one of its description.
_WEIGHTS = (("name", 4), ("title", 2), ("description", 1))
_WORD = re.compile(r"[a-z0-9]+")
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

SEARCH_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "query": {
            "type": "string",
            "minLength": 1,
            "maxLength": QUERY_CHARACTERS_MAX,
            "description": "A few words for what the tool does and to what: `close ticket`.",
        }
    },
    "required": ["query"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Shown:
    """What one request tells the model of: `tools`, and whether it may search for more."""

    tools: Sequence[OfferedTool]
    connections: Sequence[str] = ()
    """With a search: the names of the connections that it searches."""

    @property
    def has_search(self) -> bool:
        return bool(self.connections)

    @property
    def search_description(self) -> str:
        return (
            "Find tools by words. At most "
            f"{FOUND_MAX} are found at a time, and can be called from then on. Search before you say that something "
            f"cannot be done. There are tools of: {', '.join(self.connections)}."
        )


def is_searched(offered: Collection[OfferedTool]) -> bool:
    """Whether they are too many to be shown at once."""
    return len(offered) > OFFERED_MAX


def shown_tools(offered: Sequence[OfferedTool], rounds: Iterable[Round]) -> Shown:
    """All, where they are few. `rounds` are the turn's own, as they are settled."""
    if not is_searched(offered):
        return Shown(offered)
    by_name = {tool.wire_name: tool for tool in offered}
    found = [by_name[name] for name in _found_names(rounds) if name in by_name]
    connections = sorted({tool.wire_name.partition("__")[0] for tool in offered})
    # One place is the search's own.
    return Shown(found[-(OFFERED_MAX - 1) :], connections)


def callable_names(offered: Sequence[OfferedTool], rounds: Iterable[Round]) -> Collection[str]:
    """What may be called: all, where they are few; else what was found in the turn."""
    return _found_names(rounds) if is_searched(offered) else [tool.wire_name for tool in offered]


def found_tools(offered: Sequence[OfferedTool], query: str) -> dict[str, Any]:
    """The outcome of a search: what fits best, always in the same order."""
    words = set(_words(query))
    scored = [(_score(tool, words), tool) for tool in offered]
    best = sorted((one for one in scored if one[0]), key=lambda one: (-one[0], one[1].wire_name))
    told = [
        {
            "name": tool.wire_name,
            "title": tool.title,
            "description": tool.description[:DESCRIPTION_CHARACTERS_MAX],
        }
        for _, tool in best[:FOUND_MAX]
    ]
    return {"tools": told, "more": max(0, len(best) - FOUND_MAX)}


def _found_names(rounds: Iterable[Round]) -> list[str]:
    """In the order in which they were first found."""
    names: dict[str, None] = {}
    for one in rounds:
        searches = {call.call_id for call in one.calls if call.name == SEARCH_TOOLS}
        for outcome in one.outcomes:
            if outcome.call_id in searches and not outcome.is_error:
                names |= dict.fromkeys(_names_in(outcome.text))
    return list(names)


def _names_in(text: str) -> Iterable[str]:
    try:
        told = orjson.loads(text)
    except orjson.JSONDecodeError:
        return
    match told:
        case {"tools": list(tools)}:
            yield from (tool["name"] for tool in tools if isinstance(tool, dict) and "name" in tool)


def _score(tool: OfferedTool, words: set[str]) -> int:
    texts = {"name": tool.wire_name, "title": tool.title or "", "description": tool.description}
    return sum(weight * len(words & set(_words(texts[field]))) for field, weight in _WEIGHTS)


def _words(text: str) -> Iterable[str]:
    """Also those within `closeTicket`, and without the end that makes many of one."""
    parts = " ".join(_PARTS.findall(text)).lower()
    for word in {*_WORD.findall(text.lower()), *_WORD.findall(parts)}:
        yield word.removesuffix("s") if len(word) > 3 else word  # noqa: PLR2004 - `gas` is no many.
