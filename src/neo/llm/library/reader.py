"""Turns the library's events into deltas, and tells when the answer is complete."""

from pydantic_ai.messages import (
    ModelResponseStreamEvent,
    PartDeltaEvent,
    PartEndEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    ThinkingPart,
    ThinkingPartDelta,
    ToolCallPart,
)
from pydantic_ai.models import StreamedResponse

from neo.llm.deltas import Completed, Delta, FinishReason, ReasoningDelta, TextDelta, ToolCall
from neo.llm.errors import ContentFiltered, ProviderIncomplete
from neo.llm.sanitize import AnswerLength, short_name, storable

_FINISH_REASONS: dict[str | None, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "content_filter": "content-filter",
    "tool_call": "tool-calls",
}


class LibraryReader:
    def __init__(self, model: str) -> None:
        self._model = model
        self._length = AnswerLength()
        self._parts = 0
        self._tool_calls = 0
        self.has_text = False

    def delta(self, event: ModelResponseStreamEvent) -> Delta | None:
        delta = _delta(event)
        if isinstance(delta, TextDelta):
            self.has_text = True
        if isinstance(delta, ToolCall):
            self._tool_calls += 1
            self._length.add(delta.arguments_json)
        elif isinstance(delta, TextDelta | ReasoningDelta):
            self._parts = delta.part + 1
            self._length.add(delta.text)
        return delta

    def refusal(self, stream: StreamedResponse) -> TextDelta | None:
        """The text with which a model refuses: the library keeps it apart from the answer's text."""
        text = (stream.provider_details or {}).get("refusal")
        if not isinstance(text, str) or not text:
            return None
        self.has_text = True
        return TextDelta(self._parts, storable(text))

    def is_complete(self, stream: StreamedResponse) -> bool:
        # The library yields the last tool call only when the body ends.
        calls = sum(isinstance(part, ToolCallPart) for part in stream.get().parts)
        return _has_finished(stream) and calls == self._tool_calls

    def completed(self, stream: StreamedResponse) -> Completed:
        if not _has_finished(stream) or stream.finish_reason == "error":
            raise ProviderIncomplete
        # The filter let no text through: the prompt failed, and the answer is not an empty one.
        if stream.finish_reason == "content_filter" and not self.has_text:
            raise ContentFiltered
        usage = stream.usage
        return Completed(
            finish_reason=self._finish_reason(stream),
            response_id=short_name(stream.provider_response_id),
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cached_tokens=usage.cache_read_tokens,
            model=short_name(stream.model_name) or self._model,
        )

    def _finish_reason(self, stream: StreamedResponse) -> FinishReason:
        reason = _FINISH_REASONS.get(stream.finish_reason, "other")
        # Some servers give `stop` for an answer that ends in a tool call.
        return "tool-calls" if reason == "stop" and self._tool_calls else reason


def _has_finished(stream: StreamedResponse) -> bool:
    """Whether the provider gave a finish reason. The library's events end in the same way when a body just ends.

    A chat completion without a finish reason has raised by now, because its profile requires one.
    """
    has_raw_reason = bool((stream.provider_details or {}).get("finish_reason"))
    return stream.state == "complete" and (stream.finish_reason is not None or has_raw_reason)


def _delta(event: ModelResponseStreamEvent) -> Delta | None:
    match event:
        case PartDeltaEvent(index=part, delta=TextPartDelta(content_delta=text)) if text:
            return TextDelta(part, storable(text))
        case PartDeltaEvent(index=part, delta=ThinkingPartDelta(content_delta=text)) if text:
            return ReasoningDelta(part, storable(text))
        case PartStartEvent(index=part, part=TextPart(content=text)) if text:
            return TextDelta(part, storable(text))
        case PartStartEvent(index=part, part=ThinkingPart(content=text)) if text:
            return ReasoningDelta(part, storable(text))
        # A tool call is yielded once its arguments are complete.
        case PartEndEvent(part=ToolCallPart() as call):
            name, arguments = storable(call.tool_name), storable(call.args_as_json_str())
            return ToolCall(storable(call.tool_call_id), name, arguments)
    return None
