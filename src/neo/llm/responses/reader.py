"""Turns the events of OpenAI's Responses API into deltas, and tells when the answer is complete."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import ClassVar

from neo.llm.deltas import Completed, Delta, FinishReason, ReasoningDelta, TextDelta, ToolCall
from neo.llm.errors import ContentFiltered, ProviderIncomplete
from neo.llm.responses.events import coalesced
from neo.llm.sanitize import AnswerLength, count, short_name, storable
from neo.llm.transport.event import Event, UnreadableError, object_in, text_in
from neo.llm.transport.provider_error import error_in_stream

_FINISH_REASONS: dict[object, FinishReason] = {
    "completed": "stop",
    "max_output_tokens": "length",
    "content_filter": "content-filter",
}
# A final event with one of these statuses means that there is no answer.
_NO_ANSWER = ("failed", "cancelled", "in_progress", "queued")


class ResponseReader:
    def __init__(self, model: str) -> None:
        self._model = model
        self._length = AnswerLength()
        self._parts: dict[tuple[str, object, object], int] = {}
        self._tool_calls = 0
        self._has_refused = False
        self._final: Event | None = None
        self._response_id: str | None = None
        self.has_text = False
        self.events_with_content = 0

    @property
    def has_finished(self) -> bool:
        return self._final is not None

    @property
    def is_complete(self) -> bool:
        return self._final is not None

    def deltas(self, received: Iterable[bytes]) -> Iterator[Delta]:
        """The deltas of the events that came next. Events after the final one are ignored."""
        if self.is_complete:
            return
        for event in coalesced(received):
            yield from self._handled(event)
            if self.is_complete:
                return

    def _handled(self, event: Event) -> Sequence[Delta]:
        kind = event.get("type")
        error = event.get("error")
        if error or kind == "error":
            raise error_in_stream(error or event)
        handle = self._HANDLERS.get(kind) if isinstance(kind, str) else None
        return handle(self, event) if handle else ()

    def rest(self) -> Iterator[Delta]:
        return iter(())

    def completed(self) -> Completed:
        final = self._final
        if final is None:
            raise ProviderIncomplete
        reason = self._finish_reason(final)
        # The filter let no text through: the prompt failed, and the answer is not an empty one.
        if reason == "content-filter" and not self.has_text:
            raise ContentFiltered
        usage = object_in(final, "usage")
        return Completed(
            finish_reason=reason,
            response_id=short_name(final.get("id")) or self._response_id,
            input_tokens=count(usage.get("input_tokens")),
            output_tokens=count(usage.get("output_tokens")),
            cached_tokens=count(object_in(usage, "input_tokens_details").get("cached_tokens")),
            model=short_name(final.get("model")) or self._model,
        )

    def _finish_reason(self, final: Event) -> FinishReason:
        reason_or_status = object_in(final, "incomplete_details").get("reason") or final.get("status")
        if reason_or_status in _NO_ANSWER:
            raise ProviderIncomplete
        if self._has_refused:
            return "content-filter"
        is_text = isinstance(reason_or_status, str)
        reason = _FINISH_REASONS.get(reason_or_status, "other") if is_text else "other"
        # An answer that ends in a tool call has the status `completed` too.
        return "tool-calls" if reason == "stop" and self._tool_calls else reason

    def _begin(self, event: Event) -> Sequence[Delta]:
        self._response_id = short_name(object_in(event, "response").get("id"))
        return ()

    def _text(self, event: Event) -> Sequence[Delta]:
        text = self._read_text(event, "delta")
        if not text:
            return ()
        self.has_text = True
        return (TextDelta(self._part("text", event, "content_index"), text),)

    def _refusal(self, event: Event) -> Sequence[Delta]:
        self._has_refused = True
        return self._text(event)

    def _whole_refusal(self, event: Event) -> Sequence[Delta]:
        # Its deltas have been read already, unless there were none.
        return () if self._has_refused else self._refusal({**event, "delta": event.get("refusal")})

    def _summary(self, event: Event) -> Sequence[Delta]:
        return self._reasoning_delta(event, self._part("summary", event, "summary_index"))

    def _reasoning(self, event: Event) -> Sequence[Delta]:
        return self._reasoning_delta(event, self._part("reasoning", event, "content_index"))

    def _reasoning_delta(self, event: Event, part: int) -> Sequence[Delta]:
        text = self._read_text(event, "delta")
        return (ReasoningDelta(part, text),) if text else ()

    def _arguments(self, _: Event) -> Sequence[Delta]:
        # A tool call is yielded once its arguments are complete.
        self.events_with_content += 1
        return ()

    def _item(self, event: Event) -> Sequence[Delta]:
        item = object_in(event, "item")
        if item.get("type") != "function_call":
            return ()
        call_id, name, arguments = (self._read_text(item, key) for key in ("call_id", "name", "arguments"))
        if not call_id or not name:
            raise UnreadableError("A tool call has no id or no name.")
        self._tool_calls += 1
        self._parts["call", call_id, self._tool_calls] = len(self._parts)
        return (ToolCall(call_id, name, arguments or "{}"),)

    def _end(self, event: Event) -> Sequence[Delta]:
        final = event.get("response")
        if not isinstance(final, dict):
            raise UnreadableError("The final event has no response.")
        if error := final.get("error"):
            raise error_in_stream(error)
        self._final = {"status": str(event["type"]).removeprefix("response."), **final}
        return ()

    def _read_text(self, parent: Event, key: str) -> str:
        text = text_in(parent, key)
        if text:
            self.events_with_content += 1
            self._length.add(text)
        return storable(text)

    def _part(self, kind: str, event: Event, index: str) -> int:
        """The number of a part: parts are counted in the order in which they begin."""
        key = (kind, short_name(event.get("item_id")), count(event.get(index)))
        return self._parts.setdefault(key, len(self._parts))

    _HANDLERS: ClassVar[dict[str, Callable[["ResponseReader", Event], Sequence[Delta]]]] = {
        "response.output_text.delta": _text,
        "response.refusal.delta": _refusal,
        "response.refusal.done": _whole_refusal,
        "response.reasoning_summary_text.delta": _summary,
        "response.reasoning_text.delta": _reasoning,
        "response.function_call_arguments.delta": _arguments,
        "response.output_item.done": _item,
        "response.created": _begin,
        "response.completed": _end,
        "response.incomplete": _end,
        "response.failed": _end,
    }
