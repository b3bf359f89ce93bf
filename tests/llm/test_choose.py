"""From names and settings to a chosen model."""

from dataclasses import replace

import pytest

from neo.llm import (
    LOCAL_CONTEXT_TOKENS,
    ModelMisnamed,
    Models,
    ModelSpec,
    Provider,
    ProviderNotConfigured,
    ProviderSettings,
    ReasoningEffortUnknown,
    Tier,
)

HERE = ProviderSettings(
    openai_api_key="key",
    openai_region="eu",
    anthropic_api_key="key",
    compatible_base_url="http://127.0.0.1:1/v1",
    local_model_url="http://127.0.0.1:1",
    scripted_model_url="http://127.0.0.1:1",
)


def models(
    fast: str = "scripted:tokens=1", smart: str = "openai:gpt-5", settings: ProviderSettings = HERE
) -> Models:
    return Models(ModelSpec.parse(fast), ModelSpec.parse(smart), settings)


def test_a_spec_is_a_provider_and_a_name_that_may_hold_colons() -> None:
    spec = ModelSpec.parse("compatible:qwen3:8b")

    assert spec == ModelSpec(Provider.COMPATIBLE, "qwen3:8b")
    assert str(spec) == "compatible:qwen3:8b"


@pytest.mark.parametrize("text", ["", "gpt-5", "openai:", "openai: ", "nobody:gpt-5", ":gpt-5"])
def test_a_misnamed_model_is_refused_with_the_providers(text: str) -> None:
    with pytest.raises(ModelMisnamed) as raised:
        ModelSpec.parse(text)

    assert all(str(provider) in raised.value.message for provider in Provider)


@pytest.mark.parametrize(
    ("model", "variable"),
    [
        ("openai:gpt-5", "NEO_OPENAI_API_KEY"),
        ("azure:gpt-5", "NEO_AZURE_OPENAI_ENDPOINT"),
        ("compatible:qwen", "NEO_COMPATIBLE_BASE_URL"),
        ("anthropic:claude-sonnet-5", "NEO_ANTHROPIC_API_KEY"),
        ("local:smollm2", "NEO_LOCAL_MODEL_URL"),
        ("scripted:echo", "NEO_SCRIPTED_MODEL_URL"),
        ("scripted-chat:echo", "NEO_SCRIPTED_MODEL_URL"),
    ],
)
def test_a_provider_that_is_not_set_up_is_refused_by_its_variable(model: str, variable: str) -> None:
    with pytest.raises(ProviderNotConfigured, match=variable):
        models(model, model, ProviderSettings())


def test_azure_needs_its_key_too() -> None:
    with pytest.raises(ProviderNotConfigured, match="NEO_AZURE_OPENAI_API_KEY"):
        models("azure:gpt", "azure:gpt", ProviderSettings(azure_endpoint="https://x.openai.azure.com"))


def test_fast_is_the_agents_own_model_and_effort() -> None:
    chosen = models().choose(Tier.FAST, "anthropic:claude-sonnet-5", "low")

    assert (chosen.provider, chosen.name, chosen.reasoning_effort) == ("anthropic", "claude-sonnet-5", "low")
    assert not chosen.continues


def test_fast_without_a_model_of_the_agents_is_the_configured_one() -> None:
    assert models().choose(Tier.FAST, None, None).name == "tokens=1"


def test_smart_is_the_same_for_all_agents() -> None:
    chosen = models().choose(Tier.SMART, "anthropic:claude-sonnet-5", "low")

    assert (chosen.provider, chosen.name, chosen.region) == ("openai", "gpt-5", "eu")
    assert chosen.reasoning_effort is None
    assert chosen.continues


def test_an_unknown_effort_is_refused() -> None:
    with pytest.raises(ReasoningEffortUnknown):
        models().choose(Tier.FAST, None, "extreme")


@pytest.mark.parametrize(
    ("model", "context_tokens"),
    [
        ("openai:gpt-4o-mini", 128_000),
        ("openai:gpt-4", 8_192),
        ("compatible:openai/GPT-4.1-mini", 1_000_000),
        ("compatible:unheard-of", 128_000),
        ("anthropic:claude-sonnet-5", 200_000),
    ],
)
def test_prompt_and_answer_fit_the_models_window(model: str, context_tokens: int) -> None:
    chosen = models().choose(Tier.FAST, model, None)

    assert chosen.prompt_tokens_max + chosen.answer_tokens_max == context_tokens
    assert chosen.prompt_tokens_max >= context_tokens / 2


def test_the_local_model_keeps_a_margin_for_its_small_vocabulary() -> None:
    chosen = models().choose(Tier.FAST, "local:smollm2", None)

    assert chosen.prompt_tokens_max < 0.75 * (LOCAL_CONTEXT_TOKENS - chosen.answer_tokens_max)


def test_a_scripted_model_says_its_own_budget() -> None:
    assert models().choose(Tier.FAST, "scripted:recall,budget=200", None).prompt_tokens_max == 200


def test_a_model_is_chosen_once_until_it_has_refused_something() -> None:
    asked = models()
    chosen = asked.choose(Tier.FAST, "openai:gpt-5", "low")

    again = asked.choose(Tier.FAST, "openai:gpt-5", "low")
    asked.remember(replace(chosen, sees_images=False))
    learned = asked.choose(Tier.FAST, "openai:gpt-5", "low")

    assert again is chosen
    assert chosen.sees_images
    assert not learned.sees_images
