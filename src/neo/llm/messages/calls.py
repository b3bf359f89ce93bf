"""The calls of tools in an answer, as their arguments come."""

from uuid import uuid4

from neo.llm.deltas import ToolCall
from neo.llm.reading.event import Event, UnreadableError, arguments_in, id_in, text_in
from neo.llm.sanitize import is_json_object, storable


class OpenCall:
    """A call that has begun. Its arguments come in pieces, or whole with its beginning."""

    def __init__(self, block: Event) -> None:
        # A gateway may leave the id out, and the model is told the outcome by it.
        self._call_id = id_in(block, "id") or f"call_{uuid4().hex}"
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
        return ToolCall(storable(self._call_id), storable(self._name), storable(self._arguments or "{}"))

    @property
    def _arguments(self) -> str:
        return "".join(self._pieces) or self._whole
