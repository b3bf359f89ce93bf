"""Reads the library's events as pieces, and knows when an answer is over."""

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

from neo.llm.errors import ContentFiltered, ProviderIncomplete
from neo.llm.pieces import Completed, FinishReason, Piece, ReasoningDelta, TextDelta, ToolCall
from neo.llm.reading import Length, short_name, storable

_FINISH_REASONS: dict[str | None, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "content_filter": "content-filter",
    "tool_call": "tool-calls",
}


class LibraryReading:
    def __init__(self, model: str) -> None:
        self._model = model
        self._length = Length()
        self._parts = 0
        self._tool_calls = 0
        self.has_text = False

    def piece(self, event: ModelResponseStreamEvent) -> Piece | None:
        piece = _piece(event)
        if isinstance(piece, TextDelta):
            self.has_text = True
        if isinstance(piece, ToolCall):
            self._tool_calls += 1
            self._length.add(piece.arguments_json)
        elif isinstance(piece, TextDelta | ReasoningDelta):
            self._parts = piece.part + 1
            self._length.add(piece.text)
        return piece

    def last_words(self, stream: StreamedResponse) -> TextDelta | None:
        """What a model says when it refuses, which the library keeps apart from the text."""
        refusal = (stream.provider_details or {}).get("refusal")
        if not isinstance(refusal, str) or not refusal:
            return None
        self.has_text = True
        return TextDelta(self._parts, storable(refusal))

    def has_it_all(self, stream: StreamedResponse) -> bool:
        # The library holds the last tool call back until the body ends.
        calls = sum(isinstance(part, ToolCallPart) for part in stream.get().parts)
        return _is_over(stream) and calls == self._tool_calls

    def completed(self, stream: StreamedResponse) -> Completed:
        if not _is_over(stream) or stream.finish_reason == "error":
            raise ProviderIncomplete
        # The filter let nothing through: that is the prompt's end, not an empty answer.
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
        # Some servers call an answer that ends in a tool call just stopped.
        return "tool-calls" if reason == "stop" and self._tool_calls else reason


def _is_over(stream: StreamedResponse) -> bool:
    """Whether the provider said so: the library's events end in the same way when a body just ends.

    The finish reason is the provider's word; without it a chat stream has already raised, because its profile asks
    for that.
    """
    has_raw_reason = bool((stream.provider_details or {}).get("finish_reason"))
    return stream.state == "complete" and (stream.finish_reason is not None or has_raw_reason)


def _piece(event: ModelResponseStreamEvent) -> Piece | None:
    match event:
        case PartDeltaEvent(index=part, delta=TextPartDelta(content_delta=text)) if text:
            return TextDelta(part, storable(text))
        case PartDeltaEvent(index=part, delta=ThinkingPartDelta(content_delta=text)) if text:
            return ReasoningDelta(part, storable(text))
        case PartStartEvent(index=part, part=TextPart(content=text)) if text:
            return TextDelta(part, storable(text))
        case PartStartEvent(index=part, part=ThinkingPart(content=text)) if text:
            return ReasoningDelta(part, storable(text))
        # Arguments arrive in shreds: a call is told when it is whole.
        case PartEndEvent(part=ToolCallPart() as call):
            name, arguments = storable(call.tool_name), storable(call.args_as_json_str())
            return ToolCall(storable(call.tool_call_id), name, arguments)
    return None
