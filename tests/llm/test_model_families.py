"""How hard a model of OpenAI's is asked to reason."""

import pytest

from neo.llm import ChosenModel, Models, ModelSpec, ProviderSettings, Tier
from neo.llm.model_families import reasoning

SETTINGS = ProviderSettings(openai_api_key="key", azure_endpoint="https://x", azure_api_key="key")


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
