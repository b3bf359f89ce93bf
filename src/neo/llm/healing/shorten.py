"""Makes shorter what a model refused for its length: by the window that it says, or by guesses."""

from dataclasses import replace
from typing import TypeGuard

from neo.llm.chosen import ChosenModel
from neo.llm.fit import cost, without_what_is_older
from neo.llm.healing.refusal import Refusal
from neo.llm.prompt import Prompt

# Of these one, since each more is a guess: a half, an eighth, and then the message alone.
SHORTENED_MAX = 3
# Smaller windows are misread numbers.
WINDOW_TOKENS_LEAST = 512
# Prompts below this are not too long for any model, so one that is refused in unknown words is refused for another
# reason.
UNEXPLAINED_TOKENS_LEAST = 1_024
# A short answer is better than none.
ANSWER_TOKENS_LEAST = 16
ANSWER_TOKENS_GUESSED = 1_024
# The parts of a window for the answer: as much as a half, but an eighth suffices where the prompt needs the rest.
_ANSWER_SHARE_MAX, _ANSWER_SHARE_LEAST = 2, 8


def answering_shorter(chosen: ChosenModel, refusal: Refusal) -> ChosenModel | None:
    limit = refusal.tokens_max
    if limit is None or limit >= chosen.answer_tokens_max:
        limit = chosen.answer_tokens_max // 4
    return replace(chosen, answer_tokens_max=limit) if limit >= ANSWER_TOKENS_LEAST else None


def shortened(chosen: ChosenModel, refusal: Refusal, sent: Prompt, times: int) -> ChosenModel | None:
    if times >= SHORTENED_MAX:
        return None
    size, least = cost(sent), cost(without_what_is_older(sent))
    if is_window(refusal.tokens_max):
        within = within_window(chosen, refusal.tokens_max, least)
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


def halved(chosen: ChosenModel, sent: Prompt) -> ChosenModel | None:
    """With half of what may be left out: the refusal may be about its length, in words that are not known."""
    size, least = cost(sent), cost(without_what_is_older(sent))
    if not sent.transcript or size < UNEXPLAINED_TOKENS_LEAST:
        return None
    return replace(chosen, prompt_tokens_learned=least + (size - least) // 2)


def is_window(tokens: int | None) -> TypeGuard[int]:
    return tokens is not None and tokens >= WINDOW_TOKENS_LEAST


def within_window(chosen: ChosenModel, window: int, least: int) -> ChosenModel:
    answer = min(chosen.answer_tokens_max, window // _ANSWER_SHARE_MAX)
    if window - answer < least:
        answer = min(answer, max(window - least, window // _ANSWER_SHARE_LEAST))
    return replace(
        chosen,
        prompt_tokens_learned=min(chosen.prompt_tokens_usual, window - answer),
        answer_tokens_max=answer,
    )
