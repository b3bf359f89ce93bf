"""The model that answers a turn, with its limits."""

from dataclasses import dataclass, field
from enum import StrEnum

from neo.llm.providers import Address, DialectName
from neo.llm.traits import Price, Traits


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

    @property
    def prompt_tokens_usual(self) -> int:
        """How long a prompt becomes, unless the message needs more."""
        learned = self.prompt_tokens_learned
        return self.prompt_tokens_max if learned is None else min(learned, self.prompt_tokens_max)
