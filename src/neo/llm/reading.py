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

# Ids and names are some dozens of characters; anything longer is not one.
_NAME_CHARACTERS_MAX = 500

_FINISH_REASONS: dict[str | None, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "content_filter": "content-filter",
    "tool_call": "tool-calls",
}


class Reading:
    def __init__(self, model: str, *, is_responses: bool) -> None:
        self._model = model
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
        return TextDelta(self._parts, storable(refusal))

    def has_it_all(self, stream: StreamedResponse) -> bool:
        # The library holds the last tool call back until the body ends.
        calls = sum(isinstance(part, ToolCallPart) for part in stream.get().parts)
        return self._is_over(stream) and calls == self._tool_calls

    def completed(self, stream: StreamedResponse) -> Completed:
        if not self._is_over(stream) or stream.finish_reason == "error":
            raise ProviderIncomplete
        # The filter let nothing through: that is the prompt's end, not an empty answer.
        if stream.finish_reason == "content_filter" and not self.has_text:
            raise ContentFiltered
        usage = stream.usage
        return Completed(
            finish_reason=self._finish_reason(stream),
            response_id=_short(stream.provider_response_id),
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cached_tokens=usage.cache_read_tokens,
            model=_short(stream.model_name) or self._model,
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


def storable(text: str) -> str:
    """Text that every store and every wire takes: no NUL and no half of a surrogate pair."""
    text = text.replace("\x00", "\ufffd")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _short(name: str | None) -> str | None:
    # The library passes a provider's JSON on as it came, of whatever type.
    is_name = isinstance(name, str) and 0 < len(name) <= _NAME_CHARACTERS_MAX
    return storable(name) if name is not None and is_name else None


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
