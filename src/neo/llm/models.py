"""From a tier to a chosen model, and from a model to its answer."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from functools import lru_cache

from neo.errors import Failure
from neo.llm.chat_completions import CHAT_COMPLETIONS
from neo.llm.chosen import ChosenModel, ReasoningEffort
from neo.llm.deltas import Completed, Delta
from neo.llm.dialect import Dialect
from neo.llm.errors import ReasoningEffortUnknown
from neo.llm.fit import Fitted, fit
from neo.llm.healing.adapted import adapted
from neo.llm.healing.learned import Learned
from neo.llm.messages import MESSAGES
from neo.llm.model_list import ModelEntry, ModelList, chosen_model, entry_of
from neo.llm.prompt import Prompt
from neo.llm.providers import DialectName, ModelSpec, ProviderSettings, Tier
from neo.llm.responses import RESPONSES
from neo.llm.transport.breaker import Breaker
from neo.llm.transport.call import Caller
from neo.telemetry import turn_metrics

# Agents may name models as they like, so what was chosen is kept for some of them only.
_CHOICES_KEPT = 1_024

DIALECTS: dict[DialectName, Dialect] = {
    DialectName.RESPONSES: RESPONSES,
    DialectName.CHAT_COMPLETIONS: CHAT_COMPLETIONS,
    DialectName.MESSAGES: MESSAGES,
}


class Models:
    """The configured models, with the connections to their providers."""

    def __init__(
        self,
        fast: ModelSpec | ModelEntry,
        smart: ModelSpec | ModelEntry,
        providers: ProviderSettings,
        listed: Mapping[str, ModelEntry] | None = None,
    ) -> None:
        """Raises `ProviderNotConfigured` for a model whose provider is not set up, so that the start fails and not
        a turn. With `listed`, agents may name only these models and those of the tiers.
        """
        tiers = {Tier.FAST: _entry(fast, providers), Tier.SMART: _entry(smart, providers)}
        self.list = ModelList(tiers, providers, listed)
        self._providers = providers
        self._caller = Caller(providers)
        self._breakers: dict[tuple[str, str], Breaker] = {}
        self._choice = lru_cache(_CHOICES_KEPT)(self._choose)
        # Made once a model has refused something.
        self._learned: Learned | None = None

    def choose(self, tier: Tier, agent_model: str | None, reasoning_effort: str | None) -> ChosenModel:
        """FAST is the agent's own model and effort; SMART is the same for all agents."""
        chosen = self._choice(tier, agent_model, reasoning_effort)
        return chosen if self._learned is None else self._learned.applied(chosen)

    def remember(self, mended: ChosenModel, *, is_guess: bool = False) -> None:
        """From now on the model is asked as it is chosen here: it has refused something else. With `is_guess` nobody
        knows what, and it is asked so once a guess has helped twice.
        """
        self._learned = self._learned or Learned()
        self._learned.remember(mended, is_guess=is_guess)

    def fit(self, prompt: Prompt, chosen: ChosenModel) -> Fitted:
        """The prompt as the model takes it: without what it knows nothing of, and not longer than its window."""
        return fit(_taken(prompt, chosen), chosen.prompt_tokens_max, usual=chosen.prompt_tokens_learned)

    def answer(
        self, chosen: ChosenModel, prompt: Prompt, *, previous_response_id: str | None = None
    ) -> AsyncGenerator[Delta, None]:
        """The answer's deltas as they arrive. Use it with `aclosing`: closing it closes the provider's connection.

        With `previous_response_id` the provider continues that response, and only what is new is sent: the outcomes of
        the prompt's newest round, whose calls were that response's, or the message where there is no round.
        """
        dialect = DIALECTS[chosen.dialect]
        deltas = self._caller.answer(dialect, chosen, _taken(prompt, chosen), previous_response_id)
        return self._breaker(chosen).guard(_counted(chosen.provider, deltas))

    async def aclose(self) -> None:
        await self._caller.aclose()

    def _choose(self, tier: Tier, agent_model: str | None, reasoning_effort: str | None) -> ChosenModel:
        if tier is Tier.SMART:
            return chosen_model(self.list.of_tier(tier), None, self._providers)
        entry = self.list.find(agent_model) if agent_model else self.list.of_tier(tier)
        if reasoning_effort is not None and reasoning_effort not in set(ReasoningEffort):
            known = ", ".join(ReasoningEffort)
            raise ReasoningEffortUnknown(f"{reasoning_effort!r} is not one of {known}.")
        return chosen_model(entry, reasoning_effort, self._providers)

    def _breaker(self, chosen: ChosenModel) -> Breaker:
        """One for each provider and region. There are only a handful, so all are kept."""
        key = (chosen.provider, chosen.region)
        if key not in self._breakers:
            name = f"{chosen.provider}/{chosen.region}"
            self._breakers[key] = Breaker(name, self._providers.breaker_failures)
        return self._breakers[key]


def _entry(model: ModelSpec | ModelEntry, providers: ProviderSettings) -> ModelEntry:
    return model if isinstance(model, ModelEntry) else entry_of(model, providers)


def _taken(prompt: Prompt, chosen: ChosenModel) -> Prompt:
    """What of the prompt the model knows: most know all of it."""
    takes_calls = chosen.traits.takes_tools and chosen.traits.takes_calls == "all"
    takes_all = chosen.sees_images and chosen.sees_earlier_images and takes_calls
    return prompt if takes_all else adapted(prompt, chosen)


async def _counted(provider: str, deltas: AsyncGenerator[Delta, None]) -> AsyncGenerator[Delta, None]:
    """Yields the same deltas, and counts in the metrics how the call ended."""
    status = "broken"
    try:
        async with aclosing(deltas):
            async for delta in deltas:
                if isinstance(delta, Completed):
                    status = "ok"
                yield delta
    except (GeneratorExit, asyncio.CancelledError):
        # A caller that has the last delta closes the stream without asking for more.
        status = "cancelled" if status != "ok" else status
        raise
    except Failure as failure:
        status = failure.code
        raise
    finally:
        turn_metrics.model_called(provider, status)
