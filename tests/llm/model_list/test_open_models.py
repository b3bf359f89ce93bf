"""From the settings to the models of the tiers, and to the engines that they need."""

from pathlib import Path

import pytest

from neo.engines.addresses import Addresses
from neo.engines.choose import choose_engines, server_environment
from neo.llm import Tier
from neo.resources import NotConfigured, open_models
from neo.settings import ModelSettings

FILE = """
[models.{first}]
provider = "{provider}"
model = "tokens=1"
[models.support]
dialect = "messages"
url = "http://127.0.0.1:1"
model = "claude-sonnet-5"
"""
ENGINES = {"postgres", "valkey", "temporal"}


def written(folder: Path, first: str = "fast", provider: str = "scripted") -> str:
    path = folder / "models.toml"
    path.write_text(FILE.format(first=first, provider=provider))
    return str(path)


@pytest.mark.parametrize(
    ("first", "fast", "smart", "names"),
    [
        ("fast", None, None, ("fast", "fast")),
        ("smart", None, None, ("smart", "smart")),
        ("smart", "support", None, ("support", "smart")),
        ("fast", None, "support", ("fast", "support")),
        ("fast", "support", None, ("support", "support")),
        ("other", "openai:gpt-5", "support", ("openai:gpt-5", "support")),
    ],
)
def test_tiers_name_models_of_the_file_or_of_a_provider(
    tmp_path: Path, first: str, fast: str | None, smart: str | None, names: tuple[str, str]
) -> None:
    models = open_models(
        ModelSettings(
            models_file=written(tmp_path, first),
            model_fast=fast,
            model_smart=smart,
            openai_api_key="key",
            scripted_model_url="http://127.0.0.1:1",
        )
    )

    assert tuple(models.list.of_tier(tier).name for tier in (Tier.FAST, Tier.SMART)) == names


@pytest.mark.parametrize(
    ("fast", "problem"),
    [
        ("suport", r"NEO_MODEL_FAST is `suport`, .* It has: other, support"),
        (None, "set NEO_MODEL_FAST to a name"),
    ],
)
def test_a_tier_without_a_model_is_refused(tmp_path: Path, fast: str | None, problem: str) -> None:
    settings = ModelSettings(
        models_file=written(tmp_path, "other"), model_fast=fast, scripted_model_url="http://127.0.0.1:1"
    )

    with pytest.raises(NotConfigured, match=problem):
        open_models(settings)


@pytest.mark.parametrize(
    ("first", "provider", "expected"),
    [
        ("fast", "scripted", {"scripted"}),
        ("fast", "local", {"model"}),
        ("fast", "openai", set()),
        # Nobody answers at the FAST tier otherwise.
        ("other", "openai", {"model"}),
    ],
)
def test_the_engines_of_the_file_s_models_are_started(
    tmp_path: Path, first: str, provider: str, expected: set[str]
) -> None:
    environment = {"NEO_MODELS_FILE": written(tmp_path, first, provider)}

    engines = choose_engines(environment)

    assert engines - ENGINES == expected
    served = server_environment(environment, Addresses(), "secret", engines)
    assert served.get("NEO_MODEL_FAST", "").startswith("local:") == (first == "other")
