"""What models have refused, kept for the process: the next turn sends what they take, and makes one call."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from neo.llm.chosen import ChosenModel

# A server may be started again with a larger window under the same name; then one call more an hour is the price.
LEARNED_SECONDS = 3600.0
# Agents may name any model of a gateway.
MODELS_MAX = 256


Kept = TypeVar("Kept")


class Learned:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # Oldest first.
        self._models: dict[tuple[str, str], tuple[float, ChosenModel]] = {}
        # Guesses that have helped once, and until when that counts.
        self._helped: dict[tuple[str, str], float] = {}

    def remember(self, mended: ChosenModel, *, is_guess: bool = False) -> None:
        """The model takes what is sent to it as it is chosen here. A guess is believed when it has helped twice: the
        first refusal may have been a server's moment.
        """
        if is_guess and self._helped.get(_key(mended), 0.0) < self._clock():
            _keep(self._helped, _key(mended), self._clock() + LEARNED_SECONDS)
            return
        _keep(self._models, _key(mended), (self._clock() + LEARNED_SECONDS, mended))

    def applied(self, chosen: ChosenModel) -> ChosenModel:
        """The same model, with what it was found to take."""
        expires_at, mended = self._models.get(_key(chosen), (0.0, chosen))
        if mended is chosen:
            return chosen
        if expires_at < self._clock():
            del self._models[_key(chosen)]
            return chosen
        return _within(chosen, mended)


def _keep(kept: dict[tuple[str, str], Kept], key: tuple[str, str], value: Kept) -> None:
    kept.pop(key, None)
    kept[key] = value
    if len(kept) > MODELS_MAX:
        del kept[next(iter(kept))]


def _key(chosen: ChosenModel) -> tuple[str, str]:
    return chosen.address.base_url, chosen.name


def _within(chosen: ChosenModel, mended: ChosenModel) -> ChosenModel:
    traits = replace(
        chosen.traits,
        takes_tools=chosen.traits.takes_tools and mended.traits.takes_tools,
        takes_calls=mended.traits.takes_calls,
        carries=mended.traits.carries,
        tool_schemas=mended.traits.tool_schemas,
        takes_effort=chosen.traits.takes_effort and mended.traits.takes_effort,
        stream_options=chosen.traits.stream_options and mended.traits.stream_options,
        system_role=mended.traits.system_role,
        answer_limit=mended.traits.answer_limit,
    )
    return replace(
        chosen,
        prompt_tokens_learned=mended.prompt_tokens_learned,
        answer_tokens_max=min(chosen.answer_tokens_max, mended.answer_tokens_max),
        sees_images=chosen.sees_images and mended.sees_images,
        sees_earlier_images=mended.sees_earlier_images,
        continues=chosen.continues and mended.continues,
        reasoning_effort=chosen.reasoning_effort if traits.takes_effort else None,
        traits=traits,
    )
