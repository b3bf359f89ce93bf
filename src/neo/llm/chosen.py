"""The model that answers a turn: its limits, how it differs from others for the sake of what it is sent, its price."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Literal, TypeAlias

from neo.llm.providers import Address, DialectName

MILLION = 1_000_000

SystemRole: TypeAlias = Literal["system", "developer", "none"]
# How much of JSON Schema a model knows in the description of a tool.
ToolSchemas: TypeAlias = Literal["full", "plain", "flat"]
# Which earlier calls may be sent to it as such. Its own are those with which it gave something that it gets back.
TakenCalls: TypeAlias = Literal["all", "own", "none"]
AnswerLimit: TypeAlias = Literal["max_tokens", "max_completion_tokens"]


class ReasoningEffort(StrEnum):
    NONE = "none"
    MINIMAL = "minimal"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    XHIGH = "xhigh"
    MAX = "max"


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    reasons: bool = False
    """Whether it may reason, and be silent for long, before its first text."""
    takes_tools: bool = True
    takes_calls: TakenCalls = "all"
    """The others are told as text. It may still be offered tools."""
    carries: bool = True
    """Whether it takes back what it gave with its calls."""
    tool_schemas: ToolSchemas = "full"
    system_role: SystemRole = "system"
    """The role of the instructions; `none`: they stand at the head of the first message."""
    takes_effort: bool = True
    """Whether it may be told how hard to reason."""
    stream_options: bool = True
    """Whether it may be asked to count its tokens in a stream (chat completions only)."""
    thinking_seconds: float | None = None
    """The longest silence before its first text; None: as the settings say."""
    answer_limit: AnswerLimit = "max_tokens"
    """What chat completions call the longest answer: OpenAI's models that reason refuse the older name, and all other
    servers know that one.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a million tokens cost, in the currency in which the operator counts."""

    input: Decimal
    output: Decimal
    cached: Decimal | None = None
    """Of input tokens that the provider had kept; None: as much as other input."""

    def cost(self, *, input_tokens: int, output_tokens: int, cached_tokens: int) -> Decimal | None:
        """What a call cost. The tokens that the provider had kept are among the input. None: they were not counted,
        for no prompt is empty.
        """
        if not input_tokens:
            return None
        kept = min(cached_tokens, input_tokens)
        of_kept = self.input if self.cached is None else self.cached
        return ((input_tokens - kept) * self.input + kept * of_kept + output_tokens * self.output) / MILLION


@dataclass(frozen=True, slots=True)
class ChosenModel:
    provider: str
    """Whom its turns are recorded under."""
    name: str
    dialect: DialectName
    address: Address
    region: str
    reasoning_effort: str | None
    prompt_tokens_max: int
    answer_tokens_max: int
    continues: bool
    """Whether the provider keeps its responses, so that a call may go on from an earlier one."""
    sees_images: bool
    traits: Traits = field(default_factory=Traits)
    price: Price | None = None
    """None: unknown, and then what a turn costs is unknown too."""
    family: str = ""
    """The name by which the model is known (`model_families.py`). Its own may be free, as a deployment's is."""
    prompt_tokens_learned: int | None = None
    """What the model took when it had refused a longer prompt. Older exchanges are left out by it, but no message is
    refused unseen.
    """
    sees_earlier_images: bool = True
    """False: of the images in a prompt it is shown the new message's only."""

    @property
    def prompt_tokens_usual(self) -> int:
        """How long a prompt becomes, unless the message needs more."""
        learned = self.prompt_tokens_learned
        return self.prompt_tokens_max if learned is None else min(learned, self.prompt_tokens_max)
