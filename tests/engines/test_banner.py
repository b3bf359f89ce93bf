"""What `neo serve` says of itself once it is up."""

from pathlib import Path

import pytest

from neo.cli.serve.command import DEFAULT_DATA, DEFAULT_PORT, ServeOptions, _chat, _models

FILE = """
[models.fast]
provider = "openai"
model = "gpt-5"
"""


@pytest.mark.parametrize(
    ("environment", "has_file", "models"),
    [
        ({"NEO_MODEL_FAST": "openai:gpt-5"}, False, ("openai:gpt-5", "openai:gpt-5")),
        ({"NEO_MODEL_SMART": "openai:gpt-5"}, False, ("openai:gpt-5", "openai:gpt-5")),
        ({"NEO_MODEL_FAST": "a:b", "NEO_MODEL_SMART": "c:d"}, False, ("a:b", "c:d")),
        ({}, True, ("fast", "fast")),
        ({"NEO_MODEL_SMART": "c:d"}, True, ("fast", "c:d")),
    ],
)
def test_both_tiers_models_are_named(
    tmp_path: Path, environment: dict[str, str], models: tuple[str, str], *, has_file: bool
) -> None:
    path = tmp_path / "models.toml"
    path.write_text(FILE)

    assert _models(environment | ({"NEO_MODELS_FILE": str(path)} if has_file else {})) == models


@pytest.mark.parametrize(
    ("port", "data", "words"),
    [
        (DEFAULT_PORT, DEFAULT_DATA, "make chat"),
        (8700, DEFAULT_DATA, "make chat PORT=8700"),
        (8700, Path("/tmp/other"), "make chat PORT=8700 DATA=/tmp/other"),
    ],
)
def test_the_hint_finds_this_server(port: int, data: Path, words: str) -> None:
    assert _chat(ServeOptions(host="127.0.0.1", port=port, data=data, environment={})) == words
