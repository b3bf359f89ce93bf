"""Reads the events of OpenAI's Responses API as pieces, and knows when an answer is over."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import ClassVar

from neo.llm.errors import ContentFiltered, ProviderIncomplete
from neo.llm.event_json import UnreadableError, part_of, text_in
from neo.llm.merged import Event, merged
from neo.llm.pieces import Completed, FinishReason, Piece, ReasoningDelta, TextDelta, ToolCall
from neo.llm.reading import Length, count, short_name, storable
from neo.llm.reported import reported_in_stream

_FINISH_REASONS: dict[object, FinishReason] = {
    "completed": "stop",
    "max_output_tokens": "length",
    "content_filter": "content-filter",
}
# A final event with one of these says itself that there is no answer.
_NO_ANSWER = ("failed", "cancelled", "in_progress", "queued")


class ResponsesReading:
    def __init__(self, model: str) -> None:
        self._model = model
        self._length = Length()
        self._parts: dict[tuple[str, object, object], int] = {}
        self._tool_calls = 0
        self._has_refused = False
        self._final: Event | None = None
        self._response_id: str | None = None
        self.has_text = False
        self.signs_of_life = 0
        """How many events said something: pings and progress reports are silence."""

    @property
    def is_over(self) -> bool:
        return self._final is not None

    def hear(self, read: Iterable[bytes]) -> Iterator[Piece]:
        """The pieces of the events that were read next. After the final one nothing counts any more."""
        if self.is_over:
            return
        for event in merged(read):
            yield from self._pieces(event)
            if self.is_over:
                return

    def _pieces(self, event: Event) -> Sequence[Piece]:
        kind = event.get("type")
        error = event.get("error")
        if error or kind == "error":
            raise reported_in_stream(error or event)
        hear = self._HEARD.get(kind) if isinstance(kind, str) else None
        return hear(self, event) if hear else ()

    def completed(self) -> Completed:
        final = self._final or {}
        reason = self._finish_reason(final)
        # The filter let nothing through: that is the prompt's end, not an empty answer.
        if reason == "content-filter" and not self.has_text:
            raise ContentFiltered
        usage = part_of(final, "usage")
        return Completed(
            finish_reason=reason,
            response_id=short_name(final.get("id")) or self._response_id,
            input_tokens=count(usage.get("input_tokens")),
            output_tokens=count(usage.get("output_tokens")),
            cached_tokens=count(part_of(usage, "input_tokens_details").get("cached_tokens")),
            model=short_name(final.get("model")) or self._model,
        )

    def _finish_reason(self, final: Event) -> FinishReason:
        told = part_of(final, "incomplete_details").get("reason") or final.get("status")
        if told in _NO_ANSWER:
            raise ProviderIncomplete
        if self._has_refused:
            return "content-filter"
        reason = _FINISH_REASONS.get(told, "other") if isinstance(told, str) else "other"
        # An answer that ends in a tool call is called just completed.
        return "tool-calls" if reason == "stop" and self._tool_calls else reason

    def _begin(self, event: Event) -> Sequence[Piece]:
        self._response_id = short_name(part_of(event, "response").get("id"))
        return ()

    def _text(self, event: Event) -> Sequence[Piece]:
        text = self._said(event, "delta")
        if not text:
            return ()
        self.has_text = True
        return (TextDelta(self._part("text", event, "content_index"), text),)

    def _refusal(self, event: Event) -> Sequence[Piece]:
        self._has_refused = True
        return self._text(event)

    def _whole_refusal(self, event: Event) -> Sequence[Piece]:
        # Told in deltas already, unless there were none.
        return () if self._has_refused else self._refusal({**event, "delta": event.get("refusal")})

    def _summary(self, event: Event) -> Sequence[Piece]:
        return self._reasoned(event, self._part("summary", event, "summary_index"))

    def _reasoning(self, event: Event) -> Sequence[Piece]:
        return self._reasoned(event, self._part("reasoning", event, "content_index"))

    def _reasoned(self, event: Event, part: int) -> Sequence[Piece]:
        text = self._said(event, "delta")
        return (ReasoningDelta(part, text),) if text else ()

    def _shred(self, _: Event) -> Sequence[Piece]:
        # Arguments arrive in shreds: a call is told when it is whole.
        self.signs_of_life += 1
        return ()

    def _item(self, event: Event) -> Sequence[Piece]:
        item = part_of(event, "item")
        if item.get("type") != "function_call":
            return ()
        call_id, name, arguments = (self._said(item, key) for key in ("call_id", "name", "arguments"))
        if not call_id or not name:
            raise UnreadableError("A tool call has no id or no name.")
        self._tool_calls += 1
        self._parts["call", call_id, self._tool_calls] = len(self._parts)
        return (ToolCall(call_id, name, arguments or "{}"),)

    def _end(self, event: Event) -> Sequence[Piece]:
        final = event.get("response")
        if not isinstance(final, dict):
            raise UnreadableError("The final event has no response.")
        if error := final.get("error"):
            raise reported_in_stream(error)
        self._final = {"status": str(event["type"]).removeprefix("response."), **final}
        return ()

    def _said(self, where: Event, key: str) -> str:
        text = text_in(where, key)
        if text:
            self.signs_of_life += 1
            self._length.add(text)
        return storable(text)

    def _part(self, kind: str, event: Event, index: str) -> int:
        """The number of a part, counted in the order in which parts begin."""
        key = (kind, short_name(event.get("item_id")), count(event.get(index)))
        return self._parts.setdefault(key, len(self._parts))

    _HEARD: ClassVar[dict[str, Callable[["ResponsesReading", Event], Sequence[Piece]]]] = {
        "response.output_text.delta": _text,
        "response.refusal.delta": _refusal,
        "response.refusal.done": _whole_refusal,
        "response.reasoning_summary_text.delta": _summary,
        "response.reasoning_text.delta": _reasoning,
        "response.function_call_arguments.delta": _shred,
        "response.output_item.done": _item,
        "response.created": _begin,
        "response.completed": _end,
        "response.incomplete": _end,
        "response.failed": _end,
    }
