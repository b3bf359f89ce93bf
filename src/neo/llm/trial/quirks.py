"""What a server refuses of a call that others take: as its words say, or found by leaving out one thing at a time."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from neo.llm.chosen import ChosenModel
from neo.llm.errors import PromptTooLong, ProviderFailure, ProviderRejected
from neo.llm.healing.mend import Mends
from neo.llm.providers import DialectName
from neo.llm.trial.asking import SHORT, Asking, Heard

# The least that servers are found to take, one after the other.
_ANSWERS = (8_192, 4_096, 2_048, 1_024)


@dataclass(frozen=True, slots=True)
class Answered:
    heard: Heard
    chosen: ChosenModel
    """As it could be called."""
    quirks: dict[str, Any] = field(default_factory=dict)
    """By the key of the operator's file, what it is to be called with."""


async def answered(asking: Asking, chosen: ChosenModel) -> Answered:
    """Raises the failure of the plain call if no other way helps."""
    mends = Mends(chosen, may_guess=False)
    while True:
        try:
            heard = await asking.short_answer(mends.chosen)
            return Answered(heard, mends.chosen, _quirks(chosen, mends.chosen))
        except ProviderFailure as failure:
            try:
                mends.mend(failure, SHORT)
            except ProviderFailure:
                return await _guessed(asking, chosen, failure)


async def _guessed(asking: Asking, chosen: ChosenModel, failure: ProviderFailure) -> Answered:
    """Where a server does not say what it refuses."""
    if not isinstance(failure, ProviderRejected | PromptTooLong):
        raise failure
    for other in _others(chosen):
        try:
            return Answered(await asking.short_answer(other), other, _quirks(chosen, other))
        except (ProviderRejected, PromptTooLong):
            continue
    raise failure


def _quirks(chosen: ChosenModel, found: ChosenModel) -> dict[str, Any]:
    quirks = {
        name: getattr(found.traits, name)
        for name in ("stream_options", "answer_limit", "system_role")
        if getattr(found.traits, name) != getattr(chosen.traits, name)
    }
    if found.continues != chosen.continues:
        quirks["continues"] = found.continues
    if found.answer_tokens_max != chosen.answer_tokens_max:
        quirks["answer_tokens"] = found.answer_tokens_max
    if found.prompt_tokens_learned is not None:
        quirks["context_tokens"] = found.prompt_tokens_learned + found.answer_tokens_max
    return quirks


def _others(chosen: ChosenModel) -> Iterator[ChosenModel]:
    """Other ways to call it: with one thing changed, and with all of them."""
    changes = list(_trait_changes(chosen))
    for change in changes:
        yield replace(chosen, traits=replace(chosen.traits, **change))
    for tokens in _ANSWERS:
        if tokens < chosen.answer_tokens_max:
            yield replace(chosen, answer_tokens_max=tokens)
    together = {key: value for change in changes for key, value in change.items()}
    if len(changes) > 1:
        yield replace(chosen, traits=replace(chosen.traits, **together))


def _trait_changes(chosen: ChosenModel) -> Iterator[dict[str, Any]]:
    traits = chosen.traits
    if chosen.dialect is DialectName.CHAT_COMPLETIONS:
        if traits.stream_options:
            yield {"stream_options": False}
        other = "max_tokens" if traits.answer_limit == "max_completion_tokens" else "max_completion_tokens"
        yield {"answer_limit": other}
    if chosen.dialect is not DialectName.MESSAGES and traits.system_role != "none":
        yield {"system_role": "none"}
