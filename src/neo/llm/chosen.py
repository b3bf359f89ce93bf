"""The model that answers a turn, with its limits."""

from dataclasses import dataclass
from enum import StrEnum

from neo.llm.providers import Provider


class ReasoningEffort(StrEnum):
    NONE = "none"
    MINIMAL = "minimal"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    XHIGH = "xhigh"
    MAX = "max"


@dataclass(frozen=True, slots=True)
class ChosenModel:
    provider: Provider
    name: str
    region: str
    reasoning_effort: str | None
    prompt_tokens_max: int
    answer_tokens_max: int
    continues: bool
    """Whether the provider keeps its responses, so that a call may go on from an earlier one."""
    sees_images: bool
