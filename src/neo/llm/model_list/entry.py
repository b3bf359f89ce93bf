"""What is known of one model before it is called, by the operator's word or by its provider."""

from dataclasses import dataclass

from neo.llm.chosen import AnswerLimit, Price, SystemRole
from neo.llm.providers import Address, DialectName, ModelSpec, Provider, ProviderSettings, address

# The embedded model's server is started with this window.
LOCAL_CONTEXT_TOKENS = 8_192
# The embedded model rambles; a short answer leaves its small window to the conversation.
_LOCAL_ANSWER_TOKENS = 1_024
# Its vocabulary is small and English: other scripts cost up to 1.5 times the estimate.
_LOCAL_PROMPT_SHARE = 0.65


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEntry:
    """A None is not said: then its family's holds, or the settings'."""

    name: str
    """By which agents and tiers choose it."""
    provider: str
    """Whom its turns are recorded under. Models of one provider and region share stored responses and a breaker."""
    dialect: DialectName
    address: Address
    model: str
    """What the provider calls it."""
    family: str | None = None
    has_free_name: bool = False
    """Whether whoever deployed it has named it, so that its name does not tell what it cannot do."""
    continues: bool = False
    context_tokens: int | None = None
    answer_tokens: int | None = None
    prompt_tokens: int | None = None
    """Only for tests: the rest of the window otherwise."""
    prompt_share: float = 1.0
    sees_images: bool | None = None
    reasons: bool | None = None
    takes_tools: bool | None = None
    system_role: SystemRole | None = None
    stream_options: bool | None = None
    answer_limit: AnswerLimit | None = None
    thinking_seconds: float | None = None
    price: Price | None = None


def entry_of(spec: ModelSpec, settings: ProviderSettings) -> ModelEntry:
    """A model by its provider's settings alone. Raises `ProviderNotConfigured`."""
    provider, where = spec.provider, address(spec.provider, settings)
    is_local = provider is Provider.LOCAL
    return ModelEntry(
        name=str(spec),
        provider=provider,
        dialect=provider.dialect,
        address=where,
        model=spec.name,
        has_free_name=provider is Provider.AZURE,
        continues=provider.continues,
        context_tokens=LOCAL_CONTEXT_TOKENS if is_local else None,
        answer_tokens=_LOCAL_ANSWER_TOKENS if is_local else None,
        prompt_tokens=_scripted_tokens(spec),
        prompt_share=_LOCAL_PROMPT_SHARE if is_local else 1.0,
        sees_images=None if provider.sees_images else False,
        # Neo starts these servers itself, and their models do not reason.
        reasons=False if is_local or provider.is_scripted else None,
    )


def _scripted_tokens(spec: ModelSpec) -> int | None:
    if not spec.provider.is_scripted:
        return None
    values = [part.strip().removeprefix("budget=") for part in spec.name.split(",") if "budget=" in part]
    return int(values[0]) if values and values[0].isdecimal() else None
