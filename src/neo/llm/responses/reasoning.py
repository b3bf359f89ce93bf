"""Which of OpenAI's models reason, and which efforts they accept."""

from dataclasses import dataclass

from neo.llm.chosen import ChosenModel, ReasoningEffort
from neo.llm.spec import Provider

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


def _family(first: str, last: str, *, without: str = "", recalls: bool = False) -> ReasoningModel:
    levels = _LEVELS[_LEVELS.index(ReasoningEffort(first)) : _LEVELS.index(ReasoningEffort(last)) + 1]
    return ReasoningModel(tuple(level for level in levels if level != without), recalls=recalls)


# By the prefix of a model's name; the longest prefix wins. A model that is not listed gets no effort, for a model that
# does not reason would refuse the call.
_FAMILIES: dict[str, ReasoningModel | None] = {
    "o1": _family("low", "high"),
    "o3": _family("low", "high"),
    "o4": _family("low", "high"),
    "gpt-5": _family("minimal", "high"),
    "gpt-5-chat": None,
    "gpt-5-pro": _family("high", "high"),
    "gpt-5.1": _family("none", "xhigh"),
    "gpt-5.1-chat": _family("medium", "medium"),
    "gpt-5.1-codex": _family("low", "xhigh"),
    "gpt-5.2": _family("none", "xhigh"),
    "gpt-5.2-chat": _family("medium", "medium"),
    "gpt-5.2-pro": _family("medium", "xhigh"),
    "gpt-5.3": _family("none", "xhigh"),
    "gpt-5.3-chat": _family("medium", "medium"),
    "gpt-5.4": _family("none", "xhigh", recalls=True),
    "gpt-5.4-pro": _family("medium", "xhigh", recalls=True),
    "gpt-5.5": _family("none", "xhigh", recalls=True),
    "gpt-5.5-pro": _family("medium", "xhigh", recalls=True),
    "gpt-5.6": _family("none", "max", without="minimal", recalls=True),
    "gpt-6-astra": _family("low", "max", recalls=True),
    "gpt-6-luna": _family("none", "max", without="minimal", recalls=True),
    "gpt-6-sol": _family("none", "max", without="minimal", recalls=True),
    "gpt-6.1-sol": _family("low", "max", recalls=True),
    "gpt-6.1-terra": _family("none", "max", without="minimal", recalls=True),
}


def reasons(chosen: ChosenModel) -> bool:
    """Whether the model may reason, and be silent for long, before its first text."""
    if chosen.reasoning_effort is None:
        return _find_model(chosen.name) is not None
    return chosen.reasoning_effort != ReasoningEffort.NONE


def reasoning(chosen: ChosenModel) -> dict[str, str]:
    """The reasoning parameters of a call; empty for a model that accepts none."""
    model = _find_model(chosen.name)
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


def _find_model(name: str) -> ReasoningModel | None:
    name = name.lower()
    families = [family for family in _FAMILIES if name.startswith(family)]
    return _FAMILIES[max(families, key=len)] if families else None
