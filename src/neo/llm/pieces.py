"""What a call yields, in the order it arrives."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

FinishReason: TypeAlias = Literal["stop", "length", "content-filter", "tool-calls", "other"]


@dataclass(frozen=True, slots=True)
class TextDelta:
    part: int
    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    part: int
    text: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    call_id: str
    name: str
    arguments_json: str


@dataclass(frozen=True, slots=True)
class Completed:
    """The provider's own word that the answer is over: what came before counts only with it."""

    finish_reason: FinishReason
    response_id: str | None
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    model: str


Piece: TypeAlias = TextDelta | ReasoningDelta | ToolCall | Completed
