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

from neo.llm.errors import AnswerTooLong, ContentFiltered, ProviderIncomplete
from neo.llm.pieces import Completed, FinishReason, Piece, ReasoningDelta, TextDelta, ToolCall

# Several times the longest answer of any model: beyond it a provider has lost its way, and we our memory.
ANSWER_CHARACTERS_MAX = 1_000_000

_FINISH_REASONS: dict[str | None, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "content_filter": "content-filter",
    "tool_call": "tool-calls",
}


class Reading:
    def __init__(self, *, is_responses: bool) -> None:
        self._is_responses = is_responses
        self._characters = 0
        self._parts = 0
        self._tool_calls = 0
        self.has_text = False

    def piece(self, event: ModelResponseStreamEvent) -> Piece | None:
        piece = _piece(event)
        if isinstance(piece, TextDelta):
            self.has_text = True
        if isinstance(piece, ToolCall):
            self._tool_calls += 1
            self._characters += len(piece.arguments_json)
        elif isinstance(piece, TextDelta | ReasoningDelta):
            self._parts = piece.part + 1
            self._characters += len(piece.text)
        if self._characters > ANSWER_CHARACTERS_MAX:
            raise AnswerTooLong
        return piece

    def last_words(self, stream: StreamedResponse) -> TextDelta | None:
        """What a model says when it refuses, which the library keeps apart from the text."""
        refusal = (stream.provider_details or {}).get("refusal")
        if not isinstance(refusal, str) or not refusal:
            return None
        self.has_text = True
        return TextDelta(self._parts, refusal)

    def completed(self, stream: StreamedResponse) -> Completed:
        if not self._is_over(stream) or stream.finish_reason == "error":
            raise ProviderIncomplete
        # The filter let nothing through: that is the prompt's end, not an empty answer.
        if stream.finish_reason == "content_filter" and not self.has_text:
            raise ContentFiltered
        usage = stream.usage
        return Completed(
            finish_reason=self._finish_reason(stream),
            response_id=stream.provider_response_id,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cached_tokens=usage.cache_read_tokens,
            model=stream.model_name,
        )

    def _is_over(self, stream: StreamedResponse) -> bool:
        """Whether the provider said so: the library's events end in the same way when a body just ends.

        Of a Responses stream the library keeps the status, which only the final event completes. In the two
        other dialects the finish reason is the provider's word; without it a chat stream has already raised,
        because its profile asks for that.
        """
        if self._is_responses:
            return stream.state == "complete"
        has_raw_reason = bool((stream.provider_details or {}).get("finish_reason"))
        return stream.state == "complete" and (stream.finish_reason is not None or has_raw_reason)

    def _finish_reason(self, stream: StreamedResponse) -> FinishReason:
        reason = _FINISH_REASONS.get(stream.finish_reason, "other")
        # The Responses API calls an answer that ends in a tool call just completed.
        return "tool-calls" if reason == "stop" and self._tool_calls else reason


def _piece(event: ModelResponseStreamEvent) -> Piece | None:
    match event:
        case PartDeltaEvent(index=part, delta=TextPartDelta(content_delta=text)) if text:
            return TextDelta(part, text)
        case PartDeltaEvent(index=part, delta=ThinkingPartDelta(content_delta=text)) if text:
            return ReasoningDelta(part, text)
        case PartStartEvent(index=part, part=TextPart(content=text)) if text:
            return TextDelta(part, text)
        case PartStartEvent(index=part, part=ThinkingPart(content=text)) if text:
            return ReasoningDelta(part, text)
        # Arguments arrive in shreds: a call is told when it is whole.
        case PartEndEvent(part=ToolCallPart() as call):
            return ToolCall(call.tool_call_id, call.tool_name, call.args_as_json_str())
    return None
