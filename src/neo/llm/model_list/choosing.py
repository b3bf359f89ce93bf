"""From an entry, what is known of its family, and the wanted effort to a chosen model."""

from neo.llm.chosen import ChosenModel, ReasoningEffort, Traits
from neo.llm.model_families import Family, family
from neo.llm.model_list.entry import ModelEntry
from neo.llm.providers import ProviderSettings

# Every current model of a provider has at least this window.
_DEFAULT_CONTEXT_TOKENS = 128_000
# The rest of a small model's window is for the prompt.
_ANSWER_SHARE_MAX = 0.5


def chosen_model(entry: ModelEntry, effort: str | None, settings: ProviderSettings) -> ChosenModel:
    known_as = entry.family or entry.model
    known = family(known_as)
    answer_tokens = answer_tokens_of(entry, settings)
    prompt_tokens = entry.prompt_tokens or context_tokens_of(entry) - answer_tokens
    traits = _traits(entry, known or Family(), effort, settings)
    return ChosenModel(
        provider=entry.provider,
        name=entry.model,
        dialect=entry.dialect,
        address=entry.address,
        region=entry.address.region,
        reasoning_effort=effort,
        prompt_tokens_max=int(prompt_tokens * entry.prompt_share),
        answer_tokens_max=answer_tokens,
        # What a provider keeps has the instructions of the first message, which may be others by now.
        continues=entry.continues and traits.system_role != "none",
        sees_images=sees_images(entry),
        traits=traits,
        price=entry.price,
        family=known_as,
    )


def context_tokens_of(entry: ModelEntry) -> int:
    if entry.context_tokens is not None:
        return entry.context_tokens
    known = family(entry.family or entry.model)
    tokens = known.context_tokens if known else None
    if tokens is None:
        return _DEFAULT_CONTEXT_TOKENS
    # A deployment is called `gpt-4` and is a newer one. What its name promises is believed, and not what it denies.
    return max(tokens, _DEFAULT_CONTEXT_TOKENS) if _is_free(entry) else tokens


def answer_tokens_of(entry: ModelEntry, settings: ProviderSettings) -> int:
    if entry.answer_tokens is not None:
        return entry.answer_tokens
    known = family(entry.family or entry.model)
    most = min(settings.answer_tokens_max, int(context_tokens_of(entry) * _ANSWER_SHARE_MAX))
    return min(most, known.answer_tokens) if known and known.answer_tokens else most


def sees_images(entry: ModelEntry) -> bool:
    if entry.sees_images is not None:
        return entry.sees_images
    known = family(entry.family or entry.model)
    return known is None or known.sees_images or _is_free(entry)


def reasons(entry: ModelEntry) -> bool | None:
    """None: nobody knows."""
    if entry.reasons is not None:
        return entry.reasons
    known = family(entry.family or entry.model)
    return known.reasons if known else None


def _is_free(entry: ModelEntry) -> bool:
    return entry.has_free_name and entry.family is None


def _traits(entry: ModelEntry, known: Family, effort: str | None, settings: ProviderSettings) -> Traits:
    does_reason = reasons(entry) if effort is None else effort != ReasoningEffort.NONE
    # Nobody knows of a free name whether it reasons: it is waited for as if it did.
    waits = does_reason is not False
    return Traits(
        reasons=bool(does_reason),
        takes_tools=entry.takes_tools is not False,
        tool_schemas=known.tool_schemas,
        system_role=entry.system_role or known.system_role,
        stream_options=entry.stream_options is not False,
        thinking_seconds=(entry.thinking_seconds or settings.thinking_seconds) if waits else None,
        answer_limit=entry.answer_limit or known.answer_limit,
    )
