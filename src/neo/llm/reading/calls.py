"""The calls of tools that an answer asks for, whatever a server makes of their ids and arguments."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import orjson

from neo.llm.deltas import ToolCall
from neo.llm.reading.event import UnreadableError
from neo.llm.reading.texts import storable

# Deeper than what any tool takes, and than what JSON can be written and stored from.
_ARGUMENTS_DEPTH_MAX = 64


class ToldCalls:
    """The calls of one answer, each as every store accepts it and with an id of its own. A server may leave the id out,
    or have one for all, and the model is told the outcome by it.
    """

    def __init__(self) -> None:
        self._ids: set[str] = set()

    def tell(
        self, call_id: str | None, name: str, arguments: str, given: Mapping[str, Any] | None = None
    ) -> ToolCall:
        if not name:
            raise UnreadableError("A tool call has no name.")
        own = storable(call_id or "")
        if not own or own in self._ids:
            own = f"call_{uuid4().hex}"
        self._ids.add(own)
        return ToolCall(own, storable(name), storable(arguments if arguments.strip() else "{}"), given)

    def __bool__(self) -> bool:
        return bool(self._ids)


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
