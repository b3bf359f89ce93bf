"""Which of OpenAI's models reason, and how hard they can be asked to."""

from dataclasses import dataclass

from neo.llm.spec import Provider
from neo.llm.tiers import ChosenModel, ReasoningEffort

_LEVELS = tuple(ReasoningEffort)


@dataclass(frozen=True, slots=True)
class Reasoner:
    efforts: tuple[ReasoningEffort, ...]
    """The ones that it takes, lowest first."""
    recalls: bool = False
    """Whether it can be shown what it reasoned in earlier turns, when it continues a response."""

    def effort(self, asked: str, *, takes_max: bool) -> ReasoningEffort:
        """The nearest that it takes: the lowest that is not below the one asked for, or else the highest."""
        taken = [effort for effort in self.efforts if takes_max or effort is not ReasoningEffort.MAX]
        if asked == ReasoningEffort.NONE:
            return taken[0]
        level = _LEVELS.index(ReasoningEffort(asked))
        reasoning = [effort for effort in taken if effort is not ReasoningEffort.NONE]
        return next((effort for effort in reasoning if _LEVELS.index(effort) >= level), reasoning[-1])


def _reasoner(first: str, last: str, *, without: str = "", recalls: bool = False) -> Reasoner:
    levels = _LEVELS[_LEVELS.index(ReasoningEffort(first)) : _LEVELS.index(ReasoningEffort(last)) + 1]
    return Reasoner(tuple(level for level in levels if level != without), recalls=recalls)


# By the beginning of a model's name; the longest beginning wins. A model that is not here is sent no effort, since
# one that does not reason would refuse it.
_FAMILIES: dict[str, Reasoner | None] = {
    "o1": _reasoner("low", "high"),
    "o3": _reasoner("low", "high"),
    "o4": _reasoner("low", "high"),
    "gpt-5": _reasoner("minimal", "high"),
    "gpt-5-chat": None,
    "gpt-5-pro": _reasoner("high", "high"),
    "gpt-5.1": _reasoner("none", "xhigh"),
    "gpt-5.1-chat": _reasoner("medium", "medium"),
    "gpt-5.1-codex": _reasoner("low", "xhigh"),
    "gpt-5.2": _reasoner("none", "xhigh"),
    "gpt-5.2-chat": _reasoner("medium", "medium"),
    "gpt-5.2-pro": _reasoner("medium", "xhigh"),
    "gpt-5.3": _reasoner("none", "xhigh"),
    "gpt-5.3-chat": _reasoner("medium", "medium"),
    "gpt-5.4": _reasoner("none", "xhigh", recalls=True),
    "gpt-5.4-pro": _reasoner("medium", "xhigh", recalls=True),
    "gpt-5.5": _reasoner("none", "xhigh", recalls=True),
    "gpt-5.5-pro": _reasoner("medium", "xhigh", recalls=True),
    "gpt-5.6": _reasoner("none", "max", without="minimal", recalls=True),
    "gpt-6-astra": _reasoner("low", "max", recalls=True),
    "gpt-6-luna": _reasoner("none", "max", without="minimal", recalls=True),
    "gpt-6-sol": _reasoner("none", "max", without="minimal", recalls=True),
    "gpt-6.1-sol": _reasoner("low", "max", recalls=True),
    "gpt-6.1-terra": _reasoner("none", "max", without="minimal", recalls=True),
}


def thinks(chosen: ChosenModel) -> bool:
    """Whether it may be silent for long before its first word."""
    if chosen.reasoning_effort is None:
        return _find_reasoner(chosen.name) is not None
    return chosen.reasoning_effort != ReasoningEffort.NONE


def reasoning(chosen: ChosenModel) -> dict[str, str]:
    """What a call asks of the model's reasoning; empty when it has no say in it."""
    reasoner = _find_reasoner(chosen.name)
    if reasoner is None:
        return {}
    asked: dict[str, str] = {}
    if chosen.reasoning_effort is not None:
        # Azure is not known to take the highest.
        takes_max = chosen.provider is Provider.OPENAI
        asked["effort"] = reasoner.effort(chosen.reasoning_effort, takes_max=takes_max).value
    if reasoner.recalls:
        asked["context"] = "all_turns"
    return asked


def _find_reasoner(name: str) -> Reasoner | None:
    name = name.lower()
    families = [family for family in _FAMILIES if name.startswith(family)]
    return _FAMILIES[max(families, key=len)] if families else None
