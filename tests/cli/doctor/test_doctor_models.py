"""What `neo doctor` says of models: of each listed one, and of agents whose model went away."""

from pathlib import Path

import pytest
from sqlalchemy import text

from neo.cli.doctor.findings import Finding, State
from neo.cli.models.examine import check_agents, check_models
from neo.settings import ModelSettings, read_settings
from support.rows import Rows

SECRET = "sk-not-to-be-told-0123456789"
FILE = """
[models.fast]
dialect = "responses"
url = "http://127.0.0.1:1/v1"
key = "env:DOCTORS_KEY"
model = "gpt-5"
[models.other]
dialect = "messages"
url = "http://127.0.0.1:1"
key = "file:{folder}/key"
model = "claude-sonnet-5"
"""
GIVE = text("UPDATE agents SET model = :model WHERE tenant_id = :tenant")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "models.toml"
    path.write_text(FILE.format(folder=tmp_path))
    monkeypatch.setenv("NEO_MODELS_FILE", str(path))
    return path


async def found() -> dict[str, Finding]:
    return {finding.name: finding for finding in await check_models(read_settings(), is_served=True)}


async def test_each_key_is_looked_for(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCTORS_KEY", SECRET)
    missing = await found()
    (file.parent / "key").write_text(SECRET)

    whole = await found()

    assert {name: finding.state for name, finding in missing.items()} == {
        "model fast": State.OK,
        "model other": State.PROBLEM,
    }
    assert "model `other`: `key`: `file:" in missing["model other"].said
    assert {name: finding.state for name, finding in whole.items()} == dict.fromkeys(
        ("model fast", "model other", "model FAST", "model SMART"), State.OK
    )
    assert SECRET not in repr([missing, whole])


async def test_a_mistake_of_the_file_is_a_problem(file: Path) -> None:
    file.write_text("[models.fast]\nmodle = 'm'")

    [finding] = (await found()).values()

    assert (finding.name, finding.state) == ("models file", State.PROBLEM)
    assert "Did you mean `model`?" in finding.said


async def test_agents_whose_model_went_away_are_named(rows: Rows) -> None:
    tenant = await rows.tenant()
    # What the agents of other tests name is set up, for only some agents are named.
    settings = ModelSettings(
        model_fast="openai:gpt-5", openai_api_key=SECRET, scripted_model_url="http://127.0.0.1:1"
    )

    async def findings(model: str) -> list[Finding]:
        async with rows.owner.transaction(tenant.id) as owner:
            await owner.execute(GIVE, {"model": model, "tenant": tenant.id})
        return await check_agents(rows.owner, settings)

    [gone], [there] = await findings("anthropic:gone"), await findings("openai:gpt-4o")

    assert gone.state is State.WARNING
    assert f"of tenant {tenant.id} (`anthropic:gone`)" in gone.said
    assert str(tenant.id) not in there.said
