"""The calls of tools that an answer asks for, whatever a server makes of their ids and arguments."""

from typing import Any
from uuid import uuid4

import orjson

from neo.llm.deltas import ToolCall
from neo.llm.reading.event import UnreadableError
from neo.llm.reading.texts import storable

# Deeper than what any tool takes, and than what JSON can be written and stored from.
_ARGUMENTS_DEPTH_MAX = 64


def tool_call(call_id: str | None, name: str, arguments: str) -> ToolCall:
    """The call as every store accepts it. A server may leave the id out, and the model is told the outcome by it."""
    if not name:
        raise UnreadableError("A tool call has no name.")
    return ToolCall(
        storable(call_id or f"call_{uuid4().hex}"),
        storable(name),
        storable(arguments if arguments.strip() else "{}"),
    )


def arguments_of(arguments_json: str) -> Any:
    """The arguments of a call, as JSON that can be stored; as the text that they came in where they cannot be read, or
    are nested too deep.
    """
    try:
        return _storable_value(orjson.loads(arguments_json), _ARGUMENTS_DEPTH_MAX)
    except (orjson.JSONDecodeError, RecursionError):
        return storable(arguments_json)


def _storable_value(value: Any, depth: int) -> Any:
    """Escapes have become characters only now."""
    if isinstance(value, str):
        return storable(value)
    if not isinstance(value, dict | list):
        return value
    if depth == 0:
        raise RecursionError
    if isinstance(value, list):
        return [_storable_value(one, depth - 1) for one in value]
    return {storable(name): _storable_value(one, depth - 1) for name, one in value.items()}
