"""The calls of tools in an answer, as their arguments come."""

from neo.llm.deltas import ToolCall
from neo.llm.reading.calls import arguments_in, is_json_object, tool_call
from neo.llm.reading.event import Event, UnreadableError, id_in, text_in


class OpenCall:
    """A call that has begun. Its arguments come in pieces, or whole with its beginning."""

    def __init__(self, block: Event) -> None:
        self._call_id = id_in(block, "id")
        self._name = text_in(block, "name")
        if not self._name:
            raise UnreadableError("A tool call has no name.")
        self._whole = arguments_in(block, "input")
        self._pieces: list[str] = []

    def add(self, piece: str) -> None:
        self._pieces.append(piece)

    @property
    def has_arguments(self) -> bool:
        return bool(self._arguments)

    @property
    def is_whole(self) -> bool:
        return is_json_object(self._arguments)

    def told(self) -> ToolCall:
        return tool_call(self._call_id, self._name, self._arguments)

    @property
    def _arguments(self) -> str:
        return "".join(self._pieces) or self._whole
