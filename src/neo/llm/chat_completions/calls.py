"""Puts the calls of tools together from their deltas, whatever a server leaves out of them or repeats."""

from collections.abc import Iterator, Mapping
from typing import Any

from neo.llm.chat_completions.given import of_call
from neo.llm.chosen import ChosenModel
from neo.llm.control_tokens import unmarked
from neo.llm.deltas import ToolCall
from neo.llm.reading.arguments import Arguments, arguments_in, is_empty, is_json_object
from neo.llm.reading.calls import ToldCalls
from neo.llm.reading.carried import carried
from neo.llm.reading.event import Event, index_in, short_name


class _Delta:
    """What one delta says of a call."""

    def __init__(self, entry: Event, at: int) -> None:
        function = entry.get("function")
        # Some servers leave out the object between.
        function = function if isinstance(function, dict) else entry
        self.index = index_in(entry, "index")
        self.call_id = short_name(entry.get("id"))
        self.name = short_name(function.get("name")) or ""
        self.arguments = arguments_in(function, "arguments")
        self.given = of_call(entry)
        self.is_in_list = at > 0
        """Whether it stands behind another one, so that a name in it begins another call."""

    @property
    def says_arguments(self) -> bool:
        return bool(self.arguments.strip())


class _Call:
    def __init__(self, index: int, *, may_be_repeated: bool = False) -> None:
        self.index = index
        self.call_id: str | None = None
        self.name = ""
        self.arguments = Arguments()
        self.given: dict[str, Any] = {}
        self._may_be_repeated = may_be_repeated

    def add(self, delta: _Delta) -> None:
        self.call_id = self.call_id or delta.call_id
        # A name comes once, or again with each delta, or longer each time, or in pieces.
        if delta.name.startswith(self.name):
            self.name = delta.name
        elif not self.arguments and delta.name != self.name:
            self.name += delta.name
        self.arguments.add(delta.arguments)
        self.given |= delta.given

    @property
    def is_repetition(self) -> bool:
        """Whether it is the name of the call before, said once more with its end."""
        return self._may_be_repeated and not self.arguments.text.strip()

    def is_another(self, delta: _Delta) -> bool:
        """Whether a delta at the place of this call begins another: some servers have one place for all calls, and some
        a new id for each delta.
        """
        if not (delta.name and self.name):
            return False
        if delta.call_id and self.call_id:
            is_over = self.arguments.are_whole() or not (delta.arguments or self.arguments)
            return delta.call_id != self.call_id and (delta.name != self.name or is_over)
        return self.arguments.are_whole()

    def is_other_of_its_id(self, delta: _Delta, *, is_elsewhere: bool) -> bool:
        """Whether a delta with the id of this call begins another: some servers have one id for all calls, so that only
        their places or names tell them apart.
        """
        if not (delta.name and self.name):
            return False
        has_other_name = delta.name != self.name
        if self.arguments.are_whole():
            return is_elsewhere or has_other_name
        return is_elsewhere and has_other_name

    def may_have(self, delta: _Delta) -> bool:
        """Whether a delta at a place that is not known, and without an id, is one more of this call."""
        if self.arguments.are_whole():
            return not (delta.name or delta.says_arguments)
        is_inside = delta.says_arguments and not delta.arguments.lstrip().startswith("{")
        return not delta.name or (
            delta.name == self.name and bool(self.arguments) and is_inside and not self.call_id
        )


class Calls:
    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._at: dict[int, _Call] = {}

    def __bool__(self) -> bool:
        return bool(self._calls)

    def add(self, told: object) -> str:
        """Takes the calls of one delta. Returns their arguments, to be measured."""
        entries = told if isinstance(told, list) else [told]
        deltas = [_Delta(entry, at) for at, entry in enumerate(entries) if isinstance(entry, dict)]
        for delta in deltas:
            call = self._call(delta)
            call.add(delta)
            if delta.index is not None:
                self._at[delta.index] = call
        return "".join(delta.arguments for delta in deltas)

    def say_more_than(self, others: "Calls") -> bool:
        """Whether these, as they came at once, leave out less than others, as they came in deltas."""
        mine, theirs = self.said(), others.said()
        return mine != theirs and all(one >= other for one, other in zip(mine, theirs, strict=True))

    def said(self) -> tuple[int, int]:
        """How many calls there are, and how many of them have arguments."""
        full = [
            call for call in self._calls if call.arguments.are_whole() and not is_empty(call.arguments.text)
        ]
        return len(self._calls), len(full)

    def whole(self, chosen: ChosenModel, given: Mapping[str, Any], *, is_cut: bool) -> Iterator[ToolCall]:
        """The calls in their order, the first with what was `given` with all of them. `is_cut`: the answer broke off,
        so that a call may be half of one; that is none.
        """
        told = ToldCalls()
        for call in sorted(self._calls, key=lambda one: one.index):
            arguments = call.arguments.text
            if not (call.is_repetition or (is_cut and not (call.name and is_json_object(arguments)))):
                of_all = {} if told else given
                yield told.tell(
                    call.call_id, call.name, unmarked(arguments), carried(chosen, {**of_all, **call.given})
                )

    def _call(self, delta: _Delta) -> _Call:
        """The call that a delta is of: by its id, else by its index, else by what came last."""
        known = self._at.get(delta.index) if delta.index is not None else None
        if (same := self._of_id(delta.call_id, known)) is not None:
            is_elsewhere = same is not known and (delta.index is not None or delta.is_in_list)
            is_another = same.is_other_of_its_id(delta, is_elsewhere=is_elsewhere)
            return self._next(same, delta) if is_another else same
        if known is not None:
            return self._next(known, delta) if known.is_another(delta) else known
        last = self._calls[-1] if self._calls else None
        if last is None or (delta.is_in_list and delta.name):
            return self._new(delta)
        if delta.index is None:
            return self._next(last, delta) if last.is_another(delta) else last
        return last if not delta.call_id and last.may_have(delta) else self._new(delta)

    def _of_id(self, call_id: str | None, known: _Call | None) -> _Call | None:
        if not call_id or (known is not None and known.call_id == call_id):
            return known if call_id else None
        return next((call for call in reversed(self._calls) if call.call_id == call_id), None)

    def _next(self, before: _Call, delta: _Delta) -> _Call:
        """Another call where one was."""
        is_known = not delta.call_id or delta.call_id == before.call_id
        says_nothing = before.name == delta.name and not delta.says_arguments
        return self._new(delta, may_be_repeated=is_known and says_nothing)

    def _new(self, delta: _Delta, *, may_be_repeated: bool = False) -> _Call:
        index = delta.index if delta.index is not None else len(self._calls)
        call = _Call(index, may_be_repeated=may_be_repeated)
        self._calls.append(call)
        return call
