"""From a tier to a model, and from a model to its answer."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from neo.llm.breaker import Breaker
from neo.llm.budget import budget
from neo.llm.errors import ProviderNotConfigured, ReasoningEffortUnknown
from neo.llm.pieces import Piece
from neo.llm.prompt import Prompt
from neo.llm.providers import ProviderSettings, address
from neo.llm.spec import ModelSpec, Provider, Tier

if TYPE_CHECKING:
    from neo.llm.lines import Lines


class ReasoningEffort(StrEnum):
    NONE = "none"
    MINIMAL = "minimal"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    XHIGH = "xhigh"
    MAX = "max"


@dataclass(frozen=True, slots=True)
class ChosenModel:
    provider: Provider
    name: str
    region: str
    reasoning_effort: str | None
    prompt_tokens_max: int
    answer_tokens_max: int
    continues: bool
    sees_images: bool


class Models:
    """The configured models, with the connections to their providers."""

    def __init__(self, fast: ModelSpec, smart: ModelSpec, providers: ProviderSettings) -> None:
        """Refuses a model whose provider is not set up, so that a start fails and not a turn."""
        self._fast = fast
        self._smart = smart
        self._providers = providers
        self._lines: Lines | None = None
        self._breakers: dict[tuple[Provider, str], Breaker] = {}
        for spec in (fast, smart):
            address(spec.provider, providers)

    def choose(self, tier: Tier, agent_model: str | None, reasoning_effort: str | None) -> ChosenModel:
        """FAST is the agent's own model and effort; SMART is the same for all agents."""
        if tier is Tier.SMART:
            return self._chosen(self._smart, None)
        spec = ModelSpec.parse(agent_model) if agent_model else self._fast
        return self._chosen(spec, reasoning_effort)

    def answer(
        self, chosen: ChosenModel, prompt: Prompt, *, previous_response_id: str | None = None
    ) -> AsyncGenerator[Piece, None]:
        """The answer's pieces as they arrive; use it with `aclosing`, and closing it hangs up at once.

        With `previous_response_id` the provider continues that response and the transcript is not sent.
        """
        from neo.llm.answer import answer  # noqa: PLC0415 - a heavy import, see the feature's docstring.
        from neo.llm.counting import counted  # noqa: PLC0415

        lines = self._open_lines()
        pieces = answer(lines, chosen, prompt, previous_response_id if chosen.continues else None)
        return self._breaker(chosen).guard(counted(chosen.provider.value, pieces))

    def warm(self) -> None:
        """Loads what the configured providers need and rehearses an answer, so that the first turn is not the slow
        one.

        Blocks, for seconds where a library is needed: call it in a thread, and wait for it before the first answer.
        """
        from neo.llm.rehearsal import rehearse  # noqa: PLC0415 - a heavy import.

        for provider in {self._fast.provider, self._smart.provider, *self._agents_may_name()}:
            rehearse(self._chosen(ModelSpec(provider, "rehearsal"), None), self._providers)
        for spec in (self._fast, self._smart):
            self._open_lines().open(spec.provider, spec.name)

    def _agents_may_name(self) -> Iterator[Provider]:
        """Configured providers whose library would hold everything up, were it loaded by the first turn."""
        for provider in (Provider.COMPATIBLE, Provider.ANTHROPIC):
            with suppress(ProviderNotConfigured):
                address(provider, self._providers)
                yield provider

    async def aclose(self) -> None:
        if self._lines is not None:
            await self._lines.aclose()

    def _chosen(self, spec: ModelSpec, reasoning_effort: str | None) -> ChosenModel:
        if reasoning_effort is not None and reasoning_effort not in set(ReasoningEffort):
            known = ", ".join(ReasoningEffort)
            raise ReasoningEffortUnknown(f"{reasoning_effort!r} is not one of {known}.")
        limits = budget(spec, answer_tokens_max=self._providers.answer_tokens_max)
        return ChosenModel(
            provider=spec.provider,
            name=spec.name,
            region=address(spec.provider, self._providers).region,
            reasoning_effort=reasoning_effort,
            prompt_tokens_max=limits.prompt_tokens_max,
            answer_tokens_max=limits.answer_tokens_max,
            continues=spec.provider.continues,
            sees_images=spec.provider.sees_images,
        )

    def _breaker(self, chosen: ChosenModel) -> Breaker:
        """One for each provider and region: there are a handful, so none is ever thrown away."""
        key = (chosen.provider, chosen.region)
        if key not in self._breakers:
            name = f"{chosen.provider.value}/{chosen.region}"
            self._breakers[key] = Breaker(name, self._providers.breaker_failures)
        return self._breakers[key]

    def _open_lines(self) -> "Lines":
        if self._lines is None:
            from neo.llm.lines import Lines  # noqa: PLC0415 - a heavy import.

            self._lines = Lines(self._providers)
        return self._lines
