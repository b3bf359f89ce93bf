"""The calls of tools in an answer, as their arguments come."""

from typing import Any
from uuid import uuid4

import orjson

from neo.llm.deltas import ToolCall
from neo.llm.sanitize import is_json_object, storable
from neo.llm.transport.event import Event, UnreadableError, text_in


class OpenCall:
    """A call that has begun. Its arguments come in pieces, or whole with its beginning."""

    def __init__(self, block: Event) -> None:
        # A gateway may leave the id out, and the model is told the outcome by it.
        self._call_id = text_in(block, "id") or f"call_{uuid4().hex}"
        self._name = text_in(block, "name")
        if not self._name:
            raise UnreadableError("A tool call has no name.")
        self._whole = _as_json(block.get("input"))
        self._pieces: list[str] = []

    def add(self, piece: str) -> None:
        self._pieces.append(piece)

    @property
    def is_whole(self) -> bool:
        return is_json_object(self._arguments)

    def told(self) -> ToolCall:
        return ToolCall(storable(self._call_id), storable(self._name), storable(self._arguments or "{}"))

    @property
    def _arguments(self) -> str:
        return "".join(self._pieces) or self._whole


def _as_json(value: Any) -> str:
    """Empty for what only announces that the arguments follow."""
    if isinstance(value, str):
        return value
    try:
        return orjson.dumps(value).decode() if value else ""
    except TypeError as error:
        raise UnreadableError("The arguments of a tool call are nested too deep.") from error
