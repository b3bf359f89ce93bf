"""Puts the calls of tools together from their deltas, whatever a server leaves out of them or repeats."""

from collections.abc import Iterator

from neo.llm.control_tokens import unmarked
from neo.llm.deltas import ToolCall
from neo.llm.reading.calls import arguments_in, is_json_object, tool_call
from neo.llm.reading.event import Event, short_name
from neo.llm.reading.texts import storable

_INDEX_DIGITS_MAX = 9


class _Call:
    def __init__(self, index: int) -> None:
        self.index = index
        self.call_id: str | None = None
        self.name = ""
        self._arguments: list[str] = []

    @property
    def arguments(self) -> str:
        """With the halves joined where an emoji was cut in two."""
        return storable("".join(self._arguments))

    def add(self, call_id: str | None, name: str, arguments: str) -> None:
        self.call_id = self.call_id or call_id
        # A name comes once, or again with each delta, or longer each time, or in pieces.
        if name.startswith(self.name):
            self.name = name
        elif not self._arguments and name != self.name:
            self.name += name
        if arguments.lstrip().startswith("{") and self.is_whole():
            # They come again, whole or begun anew.
            self._arguments.clear()
        if arguments:
            self._arguments.append(arguments)

    def is_whole(self) -> bool:
        """Whether nothing can be missing from its arguments."""
        ends = bool(self._arguments) and self._arguments[-1].rstrip().endswith("}")
        return ends and is_json_object(self.arguments)

    def is_another(self, call_id: str | None, name: str, arguments: str) -> bool:
        """Whether a delta at the place of this call begins another: some servers have one place for all calls, and some
        a new id for each delta.
        """
        if not name:
            return False
        if call_id and self.call_id:
            is_over = self.is_whole() or not (arguments or self._arguments)
            return call_id != self.call_id and (name != self.name or is_over)
        return (name != self.name or bool(arguments)) and self.is_whole()


class Calls:
    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._at: dict[int, _Call] = {}

    def __bool__(self) -> bool:
        return bool(self._calls)

    def add(self, told: object) -> str:
        """Takes the calls of one delta. Returns their arguments, to be measured."""
        entries = told if isinstance(told, list) else [told]
        return "".join([self._add(entry, at) for at, entry in enumerate(entries) if isinstance(entry, dict)])

    def whole(self, *, is_cut: bool) -> Iterator[ToolCall]:
        """The calls in their order. `is_cut`: the answer broke off, so that a call may be half of one; that is none."""
        used: set[str] = set()
        for call in sorted(self._calls, key=lambda one: one.index):
            arguments = call.arguments
            if is_cut and not (call.name and is_json_object(arguments)):
                continue
            told = tool_call(
                call.call_id if call.call_id not in used else None, call.name, unmarked(arguments)
            )
            used.add(told.call_id)
            yield told

    def _add(self, entry: Event, at: int) -> str:
        function = entry.get("function")
        # Some servers leave out the object between.
        function = function if isinstance(function, dict) else entry
        call_id, name = short_name(entry.get("id")), short_name(function.get("name")) or ""
        arguments = arguments_in(function, "arguments")
        self._call(entry.get("index"), call_id, name, arguments, at).add(call_id, name, arguments)
        return arguments

    def _call(self, index: object, call_id: str | None, name: str, arguments: str, at: int) -> _Call:
        if (index := _whole_number(index)) is not None:
            known = self._at.get(index)
            if known is None or known.is_another(call_id, name, arguments):
                known = self._at[index] = self._new(index)
            return known
        return self._call_without_index(call_id, name, arguments, at)

    def _call_without_index(self, call_id: str | None, name: str, arguments: str, at: int) -> _Call:
        known = next((call for call in self._calls if call_id and call.call_id == call_id), None)
        if known is not None:
            return known
        last = self._calls[-1] if self._calls else None
        # Each call of a list is another one.
        begins = last is None or (name and (call_id or at)) or last.is_another(call_id, name, arguments)
        return self._new(len(self._calls)) if last is None or begins else last

    def _new(self, index: int) -> _Call:
        call = _Call(index)
        self._calls.append(call)
        return call


def _whole_number(index: object) -> int | None:
    if isinstance(index, float) and index.is_integer():
        return int(index)
    if isinstance(index, str) and len(index) <= _INDEX_DIGITS_MAX and index.isdecimal():
        return int(index)
    return index if isinstance(index, int) else None
