"""Makes a prompt fit the model's window, by leaving out the oldest exchanges."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil
from string import ascii_letters

from neo.llm.errors import PromptTooLong
from neo.llm.prompt import Image, Prompt, Said

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
    """How many messages of the transcript were left out."""


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


def fit(prompt: Prompt, tokens_max: int, answer_tokens: int = 0) -> Fitted:
    """Keep the newest exchanges that fit into `tokens_max` less `answer_tokens`."""
    room = tokens_max - answer_tokens - _cost(prompt.message, prompt.images)
    room -= _cost(prompt.instructions) if prompt.instructions else 0
    if room < 0:
        raise PromptTooLong
    kept: list[Said] = []
    for exchange in _newest_first(prompt.transcript):
        room -= sum(_cost(said.text, said.images) for said in exchange)
        if room < 0:
            break
        kept[:0] = exchange
    return Fitted(replace(prompt, transcript=tuple(kept)), len(prompt.transcript) - len(kept))


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
