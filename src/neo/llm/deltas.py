"""What a call to a model yields, in the order in which it arrives."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

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
    carried: Mapping[str, Any] | None = field(default=None, repr=False, compare=False)
    """What the provider gave with the call and may demand back with it (`reading/carried.py`), as JSON."""


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
