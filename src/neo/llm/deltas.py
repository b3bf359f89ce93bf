"""What a call to a model yields, in the order in which it arrives."""

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
    """The provider has said that the answer is complete. Without this last delta the answer does not count."""

    finish_reason: FinishReason
    response_id: str | None
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    model: str


Delta: TypeAlias = TextDelta | ReasoningDelta | ToolCall | Completed
