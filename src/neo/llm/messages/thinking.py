"""How a model is asked to think, and how much."""

from typing import Any

from neo.llm.chosen import ChosenModel, ReasoningEffort
from neo.llm.model_families import Family, family

# The least that is accepted as a budget.
_BUDGET_TOKENS_MIN = 1_024
# A budget is a part of the longest answer, and this is left for what is said.
_ANSWER_TOKENS = 4_096
_BUDGETS = {
    ReasoningEffort.MINIMAL: 1_024,
    ReasoningEffort.LOW: 2_048,
    ReasoningEffort.MEDIUM: 10_000,
    ReasoningEffort.HIGH: 16_384,
    ReasoningEffort.XHIGH: 32_768,
    ReasoningEffort.MAX: 32_768,
}
# Servers of other models that have this API know budgets, or pass the parameter over.
_OTHER = Family(thinking="budget")


def thinking(chosen: ChosenModel, *, is_in_round: bool) -> dict[str, Any]:
    """The parameters of a call that say how much to think. `is_in_round`: the prompt ends with outcomes of calls, and
    what the model thought before them is not known.
    """
    known = _known(chosen)
    if chosen.reasoning_effort is None or known.thinking is None:
        return {}
    effort = ReasoningEffort(chosen.reasoning_effort)
    if effort is ReasoningEffort.NONE and known.thinking_off != "never":
        return {"thinking": {"type": known.thinking_off}} if known.thinking_off else {}
    # Where thinking is a budget, an answer that asked for tools has to come back with its signed thoughts. Without them
    # what follows such an answer is said without thinking.
    is_off = is_in_round and known.thinking == "budget"
    level = known.effort(effort, takes_max=True) if known.efforts else None
    return {
        "thinking": None if is_off else _asked(known, effort, chosen.answer_tokens_max),
        "output_config": {"effort": level} if level else None,
    }


def _asked(known: Family, effort: ReasoningEffort, answer_tokens_max: int) -> dict[str, Any] | None:
    if known.thinking == "adaptive":
        return {"type": "adaptive"}
    room = answer_tokens_max - min(_ANSWER_TOKENS, answer_tokens_max // 2)
    budget = min(_BUDGETS[effort], room)
    return {"type": "enabled", "budget_tokens": budget} if budget >= _BUDGET_TOKENS_MIN else None


def _known(chosen: ChosenModel) -> Family:
    known = family(chosen.family or chosen.name)
    is_claude = "claude" in (chosen.family or chosen.name).lower()
    return known if known is not None and is_claude else _OTHER
