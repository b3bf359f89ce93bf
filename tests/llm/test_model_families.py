"""What is known of models by their names."""

import pytest

from neo.llm import ChosenModel, Models, ModelSpec, ProviderSettings, Tier
from neo.llm.model_families import family, reasoning

SETTINGS = ProviderSettings(
    openai_api_key="key",
    azure_endpoint="https://x",
    azure_api_key="key",
    compatible_base_url="http://x/v1",
    anthropic_api_key="key",
)


def chosen(model: str, effort: str | None) -> ChosenModel:
    spec = ModelSpec.parse(model)
    return Models(spec, spec, SETTINGS).choose(Tier.FAST, None, effort)


@pytest.mark.parametrize(
    ("model", "effort", "asked"),
    [
        ("openai:gpt-4o", "high", {}),
        ("openai:gpt-5-chat-latest", "high", {}),
        ("azure:my-deployment", "high", {}),
        ("openai:o3-mini", "none", {"effort": "low"}),
        ("openai:o3-mini", "max", {"effort": "high"}),
        ("openai:gpt-5", "none", {"effort": "minimal"}),
        ("openai:gpt-5-pro", "low", {"effort": "high"}),
        ("azure:GPT-5-mini", "low", {"effort": "low"}),
        ("openai:gpt-5.2", "none", {"effort": "none"}),
        ("openai:gpt-5.2", "max", {"effort": "xhigh"}),
        ("openai:gpt-5.6-sol", "minimal", {"effort": "low", "context": "all_turns"}),
        ("openai:gpt-5.6-sol", "max", {"effort": "max", "context": "all_turns"}),
        ("azure:gpt-5.6-sol", "max", {"effort": "xhigh", "context": "all_turns"}),
        ("openai:gpt-5.4", None, {"context": "all_turns"}),
        ("openai:gpt-5", None, {}),
    ],
)
def test_a_model_is_asked_for_the_nearest_effort_that_it_takes(
    model: str, effort: str | None, asked: dict[str, str]
) -> None:
    assert reasoning(chosen(model, effort)) == asked


@pytest.mark.parametrize(
    ("model", "effort", "expected"),
    [
        ("openai:gpt-5", None, True),
        ("openai:gpt-4o", None, False),
        ("openai:gpt-5", "none", False),
        ("azure:my-deployment", "low", True),
    ],
)
def test_a_model_that_reasons_may_be_silent_for_longer(
    model: str, effort: str | None, *, expected: bool
) -> None:
    assert chosen(model, effort).traits.reasons is expected


@pytest.mark.parametrize(
    ("model", "context_tokens", "answer_tokens", "sees_images"),
    [
        ("openai:gpt-4", 8_192, 4_096, False),
        ("openai:gpt-4-0613", 8_192, 4_096, False),
        ("openai:gpt-4-1106-preview", 128_000, 4_096, False),
        ("openai:gpt-4-turbo-2024-04-09", 128_000, 4_096, True),
        ("openai:gpt-4.5-preview", 128_000, 16_384, True),
        ("openai:gpt-4o-2024-05-13", 128_000, 4_096, True),
        ("openai:gpt-5-chat-latest", 128_000, 16_384, True),
        ("openai:gpt-5.1-chat-latest", 128_000, 16_384, True),
        ("openai:gpt-5-mini", 272_000, 16_384, True),
        ("openai:o1-mini", 128_000, 16_384, False),
        ("openai:gpt-7", 128_000, 16_384, True),
        # A deployment's name is free: it may promise, and not deny.
        ("azure:gpt-4", 128_000, 4_096, True),
        ("azure:gpt-35-turbo", 128_000, 4_096, True),
        ("azure:gpt-4.1", 1_000_000, 16_384, True),
        ("azure:chat-prod", 128_000, 16_384, True),
        ("compatible:openai/gpt-4o", 128_000, 16_384, True),
        ("compatible:us.anthropic.claude-3-haiku-20240307-v1:0", 200_000, 4_096, True),
        ("compatible:Qwen/Qwen3-32B", 32_768, 16_384, False),
        ("compatible:qwen3:8b", 32_768, 16_384, False),
        ("compatible:Qwen3-30B-A3B-Instruct-2507", 262_144, 16_384, False),
        ("compatible:qwen3.5-plus", 128_000, 16_384, True),
        ("compatible:meta-llama/Llama-3.3-70B-Instruct", 131_072, 16_384, False),
        ("compatible:bartowski/Meta-Llama-3.1-8B-Instruct-GGUF", 131_072, 16_384, False),
        ("compatible:meta.llama3-1-8b-instruct-v1:0", 131_072, 16_384, False),
        ("compatible:accounts/fireworks/models/llama-v3p1-8b-instruct", 131_072, 16_384, False),
        ("compatible:llama3.2-vision:11b", 131_072, 16_384, True),
        ("compatible:llama3:8b", 8_192, 4_096, False),
        ("compatible:/models/Meta-Llama-3-8B-Instruct.Q4_K_M.gguf", 8_192, 4_096, False),
        ("compatible:deepseek-chat", 128_000, 8_192, False),
        ("compatible:deepseek/deepseek-r1:free", 128_000, 16_384, False),
        ("compatible:mistralai/Mistral-7B-Instruct-v0.3", 32_768, 16_384, False),
        ("compatible:google/gemma-2-9b-it", 8_192, 4_096, False),
        ("compatible:gemma3:4b", 131_072, 16_384, True),
        ("compatible:openai/gpt-oss-120b", 131_072, 16_384, False),
        ("compatible:microsoft/phi-4", 16_384, 8_192, False),
        ("compatible:unheard-of", 128_000, 16_384, True),
        ("anthropic:claude-3-5-haiku-latest", 200_000, 8_192, True),
    ],
)
def test_windows_answers_and_images_by_name(
    model: str, context_tokens: int, answer_tokens: int, *, sees_images: bool
) -> None:
    found = chosen(model, None)

    assert found.prompt_tokens_max + found.answer_tokens_max == context_tokens
    assert (found.answer_tokens_max, found.sees_images) == (answer_tokens, sees_images)


@pytest.mark.parametrize(
    ("model", "reasons", "seconds"),
    [
        ("compatible:deepseek-r1", True, 180),
        ("compatible:Qwen/QwQ-32B", True, 180),
        ("compatible:moonshotai/kimi-k2-thinking", True, 180),
        ("compatible:openai/gpt-oss-20b", True, 180),
        ("compatible:llama3.1:8b", False, None),
        ("openai:gpt-4o", False, None),
        # Nobody knows whether these do.
        ("azure:chat-prod", False, 180),
        ("compatible:chat-prod", False, 180),
    ],
)
def test_a_free_name_is_waited_for_as_if_it_reasoned(
    model: str, seconds: float | None, *, reasons: bool
) -> None:
    traits = chosen(model, None).traits

    assert (traits.reasons, traits.thinking_seconds) == (reasons, seconds)


@pytest.mark.parametrize(
    ("model", "role", "limit"),
    [
        ("openai:o1-mini", "none", "max_completion_tokens"),
        ("compatible:gpt-5-mini", "system", "max_completion_tokens"),
        ("compatible:google/gemma-2-9b-it", "none", "max_tokens"),
        ("compatible:mistral-7b-instruct-v0.2", "none", "max_tokens"),
        ("compatible:qwen3:8b", "system", "max_tokens"),
    ],
)
def test_what_a_family_refuses(model: str, role: str, limit: str) -> None:
    traits = chosen(model, None).traits

    assert (traits.system_role, traits.answer_limit) == (role, limit)


@pytest.mark.parametrize(
    ("name", "thinking"),
    [
        ("claude-3-5-sonnet-latest", None),
        ("claude-3-7-sonnet-latest", "budget"),
        ("anthropic/claude-sonnet-4.5", "budget"),
        ("claude-sonnet-4-20250514", "budget"),
        ("claude-opus-4-6", "adaptive"),
        ("claude-sonnet-5", "adaptive"),
    ],
)
def test_how_anthropics_models_are_asked_to_think(name: str, thinking: str | None) -> None:
    known = family(name)

    assert known is not None
    assert known.thinking == thinking
