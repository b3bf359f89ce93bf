"""The forms that a chunk may have: where its choice is, and what the choice says."""

from collections.abc import Iterator
from typing import Any, Literal, TypeAlias

from neo.llm.reading.event import Event, UnreadableError

Kind: TypeAlias = Literal["text", "reasoning", "refusal"]
Piece: TypeAlias = tuple[Kind, str]

# How servers number their only choice.
_FIRST = (0, None, "0")
# The same thoughts, under the names that different servers have for them. Some send them under two.
REASONING_FIELDS = ("reasoning_content", "reasoning", "thinking", "reasoning_details")
# Under these names a part of a content has its text, or parts of its own.
_PART_FIELDS = ("text", "thinking", "summary", "refusal", "content", "value")
# A thought in a content is a part with a list of parts.
_PARTS_DEPTH_MAX = 4


def choice_of(event: Event) -> Event | None:
    """The answer. Other choices, which nobody asked for, are left out."""
    choices = event.get("choices")
    if choices is None:
        return None
    if not isinstance(choices, list):
        raise UnreadableError("The choices of a chunk are no list.")
    for one in choices:
        if isinstance(one, dict) and one.get("index") in _FIRST:
            return one
    return None


def error_of(event: Event, choice: Event | None) -> object:
    """What a chunk says went wrong, if it does: servers agree neither on where they say it nor on its form."""
    error = event.get("error") or _refused_by_minimax(event)
    if not error and choice is not None:
        error = choice.get("error")
    if not error and "choices" not in event:
        error = _bare_error(event)
    return {**event, "message": error, "error": None} if isinstance(error, str) else error


def _refused_by_minimax(event: Event) -> object:
    """It says with each answer how the call went; zero is well."""
    base = event.get("base_resp")
    if not isinstance(base, dict) or not base.get("status_code"):
        return None
    return {"code": base["status_code"], "message": base.get("status_msg")}


def _bare_error(event: Event) -> object:
    kind = event.get("type")
    # What says of itself that it is something else, such as a status, may have a message too.
    is_error = kind is None or (isinstance(kind, str) and "error" in kind.lower())
    if event.get("object") == "error" or kind == "error" or (event.get("message") and is_error):
        return event
    return event.get("detail") or event.get("errors")


def said_in(choice: Event, name: Literal["delta", "message"]) -> Event:
    said = choice.get(name)
    if name == "delta" and said is None and "message" not in choice:
        # The form before there was a chat.
        said = {"content": choice.get("text")}
    if said is not None and not isinstance(said, dict):
        raise UnreadableError(f"The {name} of a chunk is not an object.")
    return said or {}


def pieces_of(
    content: object, kind: Literal["text", "reasoning"] = "text", depth: int = _PARTS_DEPTH_MAX
) -> Iterator[Piece]:
    """A content is a text, a part, or a list of both."""
    if isinstance(content, str):
        if content:
            yield kind, content
    elif isinstance(content, list | dict):
        if not depth:
            raise UnreadableError("The content of a chunk is too deep.")
        for part in content if isinstance(content, list) else (content,):
            found = (
                _pieces_of_part(part, kind, depth)
                if isinstance(part, dict)
                else pieces_of(part, kind, depth - 1)
            )
            yield from found
    elif content is not None:
        raise UnreadableError("The content of a chunk is no text.")


def _pieces_of_part(part: dict[str, Any], kind: Literal["text", "reasoning"], depth: int) -> Iterator[Piece]:
    name = next((name for name in _PART_FIELDS if isinstance(part.get(name), str | list | dict)), None)
    if name == "refusal":
        yield from (("refusal", text) for _, text in pieces_of(part[name], kind, depth - 1))
    elif name is not None:
        is_thought = kind == "reasoning" or part.get("type") in ("thinking", "reasoning")
        yield from pieces_of(part[name], "reasoning" if is_thought else "text", depth - 1)
