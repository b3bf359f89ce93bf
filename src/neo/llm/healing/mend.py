"""Decides what is sent in place of what a model refused."""

from dataclasses import replace
from typing import TypeGuard

from neo.llm.chosen import ChosenModel
from neo.llm.errors import ProviderFailure, ProviderRejected, ResponseForgotten
from neo.llm.fit import cost, without_what_is_older
from neo.llm.healing.adapted import has_images, has_rounds
from neo.llm.healing.refusal import About, Refusal
from neo.llm.prompt import Prompt
from neo.llm.traits import AnswerLimit, SystemRole

# How many calls more one answer may take. Most faults need one; the rest is for servers with several.
MENDS_MAX = 4
# Of these one, since each more is a guess: a half, an eighth, and then the message alone.
SHORTENED_MAX = 3
# Smaller windows are misread numbers.
WINDOW_TOKENS_LEAST = 512
# A short answer is better than none.
ANSWER_TOKENS_LEAST = 16
ANSWER_TOKENS_GUESSED = 1_024
# The parts of a window for the answer: as much as a half, but an eighth suffices where the prompt needs the rest.
_ANSWER_SHARE_MAX, _ANSWER_SHARE_LEAST = 2, 8


class Mends:
    """The mends of one answer. `chosen` is the model as it is asked next."""

    def __init__(self, chosen: ChosenModel) -> None:
        self.chosen = chosen
        self._first = chosen
        self._made: list[About] = []

    def mend(self, failure: ProviderFailure, sent: Prompt) -> None:
        """Change what is sent; raises the failure that the answer ends with where nothing is left to be changed."""
        refusal = failure.refusal
        if refusal is None or len(self._made) >= MENDS_MAX:
            raise failure
        if refusal.about is About.IMAGES and not has_images(sent):
            # The words were misread: it was given none.
            raise ProviderRejected from failure
        mended = self._mended(refusal, sent)
        if mended is None:
            raise failure
        self._made.append(refusal.about)
        self.chosen = mended

    def forgotten(self, failure: ResponseForgotten) -> None:
        """The provider's kept response cannot be continued, so the transcript is sent next."""
        refusal = failure.refusal
        if not failure.keeps_responses:
            self.chosen = replace(self.chosen, continues=False)
        elif refusal is not None and refusal.about is About.IMAGES:
            self.chosen = replace(self.chosen, sees_images=False)
        elif refusal is not None and _is_window(refusal.tokens_max):
            self.chosen = _within_window(self.chosen, refusal.tokens_max, 0)

    @property
    def learned(self) -> ChosenModel | None:
        """The model as it is asked from now on; None if that has not changed."""
        return None if self.chosen == self._first else self.chosen

    def _mended(self, refusal: Refusal, sent: Prompt) -> ChosenModel | None:
        chosen, traits, times = self.chosen, self.chosen.traits, self._made.count(refusal.about)
        match refusal.about:
            case About.LENGTH:
                return _shortened(chosen, refusal, sent, times)
            case About.ANSWER_LIMIT:
                return _answering_shorter(chosen, refusal)
            case About.IMAGES:
                return replace(chosen, sees_images=False) if chosen.sees_images else None
            case About.TOOLS:
                is_new = traits.takes_tools and has_rounds(sent)
                changed = replace(traits, takes_tools=False) if is_new else None
            case About.SYSTEM_ROLE:
                role: SystemRole = "system" if traits.system_role == "developer" else "none"
                is_new = bool(sent.instructions) and traits.system_role != "none"
                changed = replace(traits, system_role=role) if is_new else None
            case About.STREAM_OPTIONS:
                changed = replace(traits, stream_options=False) if traits.stream_options else None
            case About.ANSWER_LIMIT_NAME:
                other: AnswerLimit = (
                    "max_tokens"
                    if traits.answer_limit == "max_completion_tokens"
                    else "max_completion_tokens"
                )
                changed = None if times else replace(traits, answer_limit=other)
            case About.REASONING_EFFORT:
                changed = replace(traits, takes_effort=False) if chosen.reasoning_effort else None
                chosen = replace(chosen, reasoning_effort=None)
        return None if changed is None else replace(chosen, traits=changed)


def _answering_shorter(chosen: ChosenModel, refusal: Refusal) -> ChosenModel | None:
    limit = refusal.tokens_max
    if limit is None or limit >= chosen.answer_tokens_max:
        limit = chosen.answer_tokens_max // 4
    return replace(chosen, answer_tokens_max=limit) if limit >= ANSWER_TOKENS_LEAST else None


def _shortened(chosen: ChosenModel, refusal: Refusal, sent: Prompt, times: int) -> ChosenModel | None:
    if times >= SHORTENED_MAX:
        return None
    size, least = cost(sent), cost(without_what_is_older(sent))
    if _is_window(refusal.tokens_max):
        within = _within_window(chosen, refusal.tokens_max, least)
        room = within.prompt_tokens_usual
        if within.answer_tokens_max < chosen.answer_tokens_max or size > room:
            return within if least <= room else None
        # It does fit by the estimate, which is too low for this text.
        counted = refusal.prompt_tokens or 0
        if counted > room and size > least:
            return replace(within, prompt_tokens_learned=size * room // counted)
    if size > least:
        guess = least if times == SHORTENED_MAX - 1 else size // (2 + 2 * times)
        return replace(chosen, prompt_tokens_learned=guess)
    # Nothing can be left out. Servers count the answer's limit as a part of the prompt's length.
    if chosen.answer_tokens_max > ANSWER_TOKENS_GUESSED and size <= chosen.answer_tokens_max:
        return replace(chosen, answer_tokens_max=ANSWER_TOKENS_GUESSED)
    return None


def _is_window(tokens: int | None) -> TypeGuard[int]:
    return tokens is not None and tokens >= WINDOW_TOKENS_LEAST


def _within_window(chosen: ChosenModel, window: int, least: int) -> ChosenModel:
    answer = min(chosen.answer_tokens_max, window // _ANSWER_SHARE_MAX)
    if window - answer < least:
        answer = min(answer, max(window - least, window // _ANSWER_SHARE_LEAST))
    return replace(
        chosen,
        prompt_tokens_learned=min(chosen.prompt_tokens_usual, window - answer),
        answer_tokens_max=answer,
    )
