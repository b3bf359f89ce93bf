"""Makes a prompt fit the model's window, by leaving out what is oldest."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from math import ceil
from string import ascii_letters

import orjson

from neo.llm.errors import PromptTooLong
from neo.llm.prompt import Image, Prompt, Round, Said, Tool

# Roles, separators and the start of the answer: 3 to 7 tokens, depending on the provider.
_TOKENS_PER_MESSAGE = 8
# English runs to 4 letters a token and most European languages to 3.
_LETTERS_PER_TOKEN = 3
# Beyond ASCII a character has 2 to 4 bytes; vocabularies spend between half a token and one on each 2 bytes.
_BYTES_PER_TOKEN = 2
# What the most expensive provider charges for an image of the largest size that is sent.
TOKENS_PER_IMAGE = 4_800

_LETTERS = (ascii_letters + " ").encode()
_ASCII = bytes(range(128))


@dataclass(frozen=True, slots=True)
class Fitted:
    prompt: Prompt
    omitted: int
    """How many messages of the transcript were left out. One that is kept without its older rounds does not count."""
    omitted_rounds: int = 0
    """How many rounds were left out, with their message or without it."""


def estimate_tokens(text: str) -> int:
    """A cautious guess at what a text costs.

    Each family of models has a tokenizer of its own, some are secret, and loading one costs more than it is
    worth. All vocabularies have this in common: several letters or spaces share a token, digits and signs may
    take one each, other scripts up to one for two bytes. For prose the estimate is about a third too high. For
    random letters it can be too low; then the provider refuses the prompt.
    """
    data = text.encode("utf-8", "surrogatepass")
    beyond_ascii = len(data.translate(None, _ASCII))
    signs = len(data.translate(None, _LETTERS)) - beyond_ascii
    letters = len(data) - beyond_ascii - signs
    return ceil(letters / _LETTERS_PER_TOKEN) + signs + ceil(beyond_ascii / _BYTES_PER_TOKEN)


def fit(prompt: Prompt, tokens_max: int, answer_tokens: int = 0, *, usual: int | None = None) -> Fitted:
    """Keep what is newest and fits into `tokens_max` less `answer_tokens`. What may be left out has to fit into the
    `usual` tokens, where they are fewer.

    The message and the newest round after it stay, or the prompt is too long. Then come the other rounds after the
    message, and then whole exchanges, each with its newest rounds. Nothing older than what did not fit is kept.
    """
    least = cost(without_what_is_older(prompt))
    if least > tokens_max - answer_tokens:
        raise PromptTooLong
    room = _Room((tokens_max if usual is None else min(usual, tokens_max)) - answer_tokens - least)
    rounds = (*_newest(prompt.rounds[:-1], room), *prompt.rounds[-1:])
    kept: list[Said] = []
    for exchange in _newest_first(prompt.transcript):
        if not room.takes(sum(_cost(said.text, said.images) for said in exchange)):
            break
        kept[:0] = [_with_newest_rounds(said, room) for said in reversed(exchange)][::-1]
    fitted = replace(prompt, transcript=tuple(kept), rounds=rounds)
    omitted_rounds = _count_rounds(prompt) - _count_rounds(fitted)
    return Fitted(fitted, len(prompt.transcript) - len(kept), omitted_rounds)


def without_what_is_older(prompt: Prompt) -> Prompt:
    """What a prompt cannot do without: the message, and the newest round after it."""
    return replace(prompt, transcript=(), rounds=prompt.rounds[-1:])


def cost(prompt: Prompt) -> int:
    """The estimate for all of it."""
    costs = [_cost(prompt.message, prompt.images)]
    costs += [_cost(prompt.instructions)] if prompt.instructions else []
    costs += map(_tool_cost, prompt.tools)
    for said in prompt.transcript:
        costs += [_cost(said.text, said.images), *map(_round_cost, said.rounds)]
    return sum(costs) + sum(map(_round_cost, prompt.rounds))


class _Room:
    """What is left of the tokens. Once something did not fit, nothing else does."""

    def __init__(self, tokens: int) -> None:
        self._tokens = tokens

    def takes(self, cost: int) -> bool:
        self._tokens -= cost
        return self._tokens >= 0


def _newest(rounds: Sequence[Round], room: _Room) -> tuple[Round, ...]:
    return tuple(takewhile(lambda one: room.takes(_round_cost(one)), reversed(rounds)))[::-1]


def _with_newest_rounds(said: Said, room: _Room) -> Said:
    return replace(said, rounds=_newest(said.rounds, room)) if said.rounds else said


def _count_rounds(prompt: Prompt) -> int:
    return len(prompt.rounds) + sum(len(said.rounds) for said in prompt.transcript)


def _round_cost(one: Round) -> int:
    asked = sum(_cost(call.name) + estimate_tokens(call.arguments_json) for call in one.calls)
    return _cost(one.text) + asked + sum(_cost(outcome.text) for outcome in one.outcomes)


def _tool_cost(tool: Tool) -> int:
    return _cost(tool.name) + estimate_tokens(tool.description + orjson.dumps(tool.input_schema).decode())


def _cost(text: str, images: Sequence[Image] = ()) -> int:
    images_cost = sum(TOKENS_PER_IMAGE + _cost(f"{image.filename}{image.alt}") for image in images)
    return _TOKENS_PER_MESSAGE + estimate_tokens(text) + images_cost


def _newest_first(transcript: Sequence[Said]) -> Iterator[list[Said]]:
    """Each user's message with the answers to it, the newest first."""
    exchange: list[Said] = []
    for said in reversed(transcript):
        exchange.insert(0, said)
        if said.role == "user":
            yield exchange
            exchange = []
    if exchange:
        yield exchange
