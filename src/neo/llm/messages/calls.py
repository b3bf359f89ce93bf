"""The calls of tools in an answer, as their arguments come."""

from collections.abc import Mapping
from typing import Any

from neo.llm.deltas import ToolCall
from neo.llm.reading.arguments import Arguments, arguments_in
from neo.llm.reading.calls import ToldCalls
from neo.llm.reading.event import Event, UnreadableError, id_in, text_in


class OpenCall:
    """A call that has begun. Its arguments come in pieces, or whole with its beginning."""

    def __init__(self, block: Event, given: Mapping[str, Any] | None) -> None:
        self._given = given
        self._call_id = id_in(block, "id")
        self._name = text_in(block, "name")
        if not self._name:
            raise UnreadableError("A tool call has no name.")
        self.arguments = Arguments()
        self.arguments.add(arguments_in(block, "input"))

    def told(self, before: ToldCalls) -> ToolCall:
        return before.tell(self._call_id, self._name, self.arguments.text, self._given)
