"""What is known of models by the prefix of their names: how much they read and write, and how they reason."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from neo.llm.chosen import ChosenModel, ReasoningEffort
from neo.llm.providers import ModelSpec, Provider

Known = TypeVar("Known")

# The embedded model's server is started with this window.
LOCAL_CONTEXT_TOKENS = 8_192
# The embedded model rambles; a short answer leaves its small window to the conversation.
_LOCAL_ANSWER_TOKENS = 1_024
# Its vocabulary is small and English: other scripts cost up to 1.5 times the estimate.
_LOCAL_PROMPT_SHARE = 0.65
# Every current model has at least this window.
_DEFAULT_CONTEXT_TOKENS = 128_000
# The rest of a small model's window is for the prompt.
_ANSWER_SHARE_MAX = 0.5

_LEVELS = tuple(ReasoningEffort)


@dataclass(frozen=True, slots=True)
class ReasoningModel:
    efforts: tuple[ReasoningEffort, ...]
    """The efforts that it accepts, lowest first."""
    recalls: bool = False
    """Whether it accepts its reasoning of earlier turns when it continues a response."""

    def effort(self, wanted: str, *, takes_max: bool) -> ReasoningEffort:
        """The nearest accepted effort: the lowest that is not below `wanted`, or else the highest."""
        accepted = [effort for effort in self.efforts if takes_max or effort is not ReasoningEffort.MAX]
        if wanted == ReasoningEffort.NONE:
            return accepted[0]
        level = _LEVELS.index(ReasoningEffort(wanted))
        reasoning = [effort for effort in accepted if effort is not ReasoningEffort.NONE]
        return next((effort for effort in reasoning if _LEVELS.index(effort) >= level), reasoning[-1])


def _efforts(first: str, last: str, *, without: str = "", recalls: bool = False) -> ReasoningModel:
    levels = _LEVELS[_LEVELS.index(ReasoningEffort(first)) : _LEVELS.index(ReasoningEffort(last)) + 1]
    return ReasoningModel(tuple(level for level in levels if level != without), recalls=recalls)


# Window and longest answer by the prefix of a model's name.
_WINDOWS: dict[str, tuple[int, int | None]] = {
    "gpt-5": (272_000, None),
    "gpt-4.1": (1_000_000, None),
    "gpt-4o": (128_000, 16_384),
    "gpt-4-turbo": (128_000, 4_096),
    "gpt-4": (8_192, 4_096),
    "gpt-3.5-turbo": (16_385, 4_096),
    "o1": (200_000, None),
    "o3": (200_000, None),
    "o4": (200_000, None),
    "claude-": (200_000, None),
    "claude-3-5-": (200_000, 8_192),
    "claude-3-haiku": (200_000, 4_096),
    "claude-3-opus": (200_000, 4_096),
}

# How each reasons, by the same prefixes. A model that is not listed gets no effort, for a model that does not reason
# would refuse the call.
_REASONING: dict[str, ReasoningModel | None] = {
    "o1": _efforts("low", "high"),
    "o3": _efforts("low", "high"),
    "o4": _efforts("low", "high"),
    "gpt-5": _efforts("minimal", "high"),
    "gpt-5-chat": None,
    "gpt-5-pro": _efforts("high", "high"),
    "gpt-5.1": _efforts("none", "xhigh"),
    "gpt-5.1-chat": _efforts("medium", "medium"),
    "gpt-5.1-codex": _efforts("low", "xhigh"),
    "gpt-5.2": _efforts("none", "xhigh"),
    "gpt-5.2-chat": _efforts("medium", "medium"),
    "gpt-5.2-pro": _efforts("medium", "xhigh"),
    "gpt-5.3": _efforts("none", "xhigh"),
    "gpt-5.3-chat": _efforts("medium", "medium"),
    "gpt-5.4": _efforts("none", "xhigh", recalls=True),
    "gpt-5.4-pro": _efforts("medium", "xhigh", recalls=True),
    "gpt-5.5": _efforts("none", "xhigh", recalls=True),
    "gpt-5.5-pro": _efforts("medium", "xhigh", recalls=True),
    "gpt-5.6": _efforts("none", "max", without="minimal", recalls=True),
    "gpt-6-astra": _efforts("low", "max", recalls=True),
    "gpt-6-luna": _efforts("none", "max", without="minimal", recalls=True),
    "gpt-6-sol": _efforts("none", "max", without="minimal", recalls=True),
    "gpt-6.1-sol": _efforts("low", "max", recalls=True),
    "gpt-6.1-terra": _efforts("none", "max", without="minimal", recalls=True),
}


@dataclass(frozen=True, slots=True)
class Budget:
    prompt_tokens_max: int
    answer_tokens_max: int


def budget(spec: ModelSpec, *, answer_tokens_max: int) -> Budget:
    context_tokens, family_answer_tokens = _window(spec)
    answer_tokens = min(
        answer_tokens_max, family_answer_tokens or answer_tokens_max, int(context_tokens * _ANSWER_SHARE_MAX)
    )
    scripted = _scripted_tokens(spec)
    prompt_tokens = context_tokens - answer_tokens if scripted is None else scripted
    if spec.provider is Provider.LOCAL:
        prompt_tokens = int(prompt_tokens * _LOCAL_PROMPT_SHARE)
    return Budget(prompt_tokens, answer_tokens)


def _window(spec: ModelSpec) -> tuple[int, int | None]:
    if spec.provider is Provider.LOCAL:
        return LOCAL_CONTEXT_TOKENS, _LOCAL_ANSWER_TOKENS
    # Gateways write the vendor before the name: `openai/gpt-4o`.
    return _family(_WINDOWS, spec.name.rpartition("/")[2]) or (_DEFAULT_CONTEXT_TOKENS, None)


def _scripted_tokens(spec: ModelSpec) -> int | None:
    if not spec.provider.is_scripted:
        return None
    values = [part.strip().removeprefix("budget=") for part in spec.name.split(",") if "budget=" in part]
    return int(values[0]) if values and values[0].isdecimal() else None


def reasons(name: str, effort: str | None) -> bool:
    """Whether the model may reason, and be silent for long, before its first text."""
    if effort is None:
        return _family(_REASONING, name) is not None
    return effort != ReasoningEffort.NONE


def reasoning(chosen: ChosenModel) -> dict[str, str]:
    """The reasoning parameters of a call; empty for a model that accepts none."""
    model = _family(_REASONING, chosen.name)
    if model is None:
        return {}
    parameters: dict[str, str] = {}
    if chosen.reasoning_effort is not None:
        # Azure is not known to accept the highest effort.
        takes_max = chosen.provider is Provider.OPENAI
        parameters["effort"] = model.effort(chosen.reasoning_effort, takes_max=takes_max).value
    if model.recalls:
        parameters["context"] = "all_turns"
    return parameters


def _family(known: Mapping[str, Known], name: str) -> Known | None:
    """What is known by the longest prefix of the name; None if there is none."""
    prefixes = [prefix for prefix in known if name.lower().startswith(prefix)]
    return known[max(prefixes, key=len)] if prefixes else None
