"""What a server refuses of a call that others take, found by leaving one thing after the other."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from neo.llm.chosen import ChosenModel
from neo.llm.errors import PromptTooLong, ProviderRejected
from neo.llm.providers import DialectName
from neo.llm.trial.asking import Asking, Heard

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
    try:
        return Answered(await asking.short_answer(chosen), chosen)
    except (ProviderRejected, PromptTooLong) as refused:
        for other, quirks in _others(chosen):
            try:
                return Answered(await asking.short_answer(other), other, quirks)
            except (ProviderRejected, PromptTooLong):
                continue
        raise refused from None


def _others(chosen: ChosenModel) -> Iterator[tuple[ChosenModel, dict[str, Any]]]:
    """Other ways to call it: with one thing changed, and with all of them."""
    changes = list(_trait_changes(chosen))
    for change in changes:
        yield replace(chosen, traits=replace(chosen.traits, **change)), change
    for tokens in _ANSWERS:
        if tokens < chosen.answer_tokens_max:
            yield replace(chosen, answer_tokens_max=tokens), {"answer_tokens": tokens}
    together = {key: value for change in changes for key, value in change.items()}
    if len(changes) > 1:
        yield replace(chosen, traits=replace(chosen.traits, **together)), together


def _trait_changes(chosen: ChosenModel) -> Iterator[dict[str, Any]]:
    traits = chosen.traits
    if chosen.dialect is DialectName.CHAT_COMPLETIONS:
        if traits.stream_options:
            yield {"stream_options": False}
        other = "max_tokens" if traits.answer_limit == "max_completion_tokens" else "max_completion_tokens"
        yield {"answer_limit": other}
    if chosen.dialect is not DialectName.MESSAGES and traits.system_role != "none":
        yield {"system_role": "none"}
