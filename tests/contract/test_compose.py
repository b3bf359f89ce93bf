"""`compose.yaml` says what this Neo understands. It needs Docker to run; this reads it."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer
from ruamel.yaml import YAML

from neo.cli import app
from neo.settings import described, read_settings

HERE = Path(__file__).resolve().parents[2]
TEXT = (HERE / "compose.yaml").read_text()
COMPOSE: dict[str, Any] = YAML(typ="safe").load(TEXT)
SERVICES: dict[str, Any] = COMPOSE["services"]
NEO = {name: service for name, service in SERVICES.items() if service["image"] == "neo"}
DOCKERFILE = (HERE / "Dockerfile").read_text()
VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")
GIVEN = "3f1c9a527d3e4a559d0c2b8d6a1e4f70"


def filled(value: str) -> str:
    """As Compose fills it in, with everything that is mandatory given."""
    return VARIABLE.sub(lambda found: found[3] if found[2] == "-" else GIVEN, value)


def refers(service: dict[str, Any]) -> list[str]:
    return [str(source).split(":")[0] for source in service.get("volumes", [])]


def test_there_are_two_apis_two_workers_a_migration_and_their_engines() -> None:
    assert set(NEO) == {"api", "worker", "migrate"}
    assert [NEO[name]["deploy"]["replicas"] for name in ("api", "worker")] == [2, 2]
    assert {"postgres", "valkey", "temporal", "proxy"} <= set(SERVICES)


@pytest.mark.parametrize("name", NEO)
def test_its_variables_are_settings_and_its_values_are_accepted(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {variable for _, variable, _ in described()}
    given = {variable: filled(str(value)) for variable, value in NEO[name]["environment"].items()}
    for variable in known:
        monkeypatch.delenv(variable, raising=False)

    assert set(given) <= known
    for variable, value in given.items():
        monkeypatch.setenv(variable, value)
    settings = read_settings()

    assert settings.server.is_strict
    assert settings.server.drain_seconds == 60
    assert (settings.temporal.temporal_address, settings.telemetry.metrics_port) == ("temporal:7233", 9464)


@pytest.mark.parametrize("name", NEO)
def test_its_commands_are_commands(name: str) -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    with group.make_context("neo", list(NEO[name]["command"])) as context:
        _, command, rest = group.resolve_command(context, list(NEO[name]["command"]))
        assert command is not None

        with command.make_context(name, rest, parent=context) as understood:
            assert understood.params is not None


def test_whoever_is_waited_for_is_there_and_what_is_mounted_exists() -> None:
    for name, service in SERVICES.items():
        for other, condition in service.get("depends_on", {}).items():
            assert other in SERVICES, name
            is_checked = "healthcheck" in SERVICES[other]
            assert condition["condition"] != "service_healthy" or is_checked, (name, other)
        for source in refers(service):
            assert (HERE / source).exists() if source.startswith(".") else source in COMPOSE["volumes"], (
                source
            )


def test_only_the_proxy_is_reached_from_outside_and_on_the_loopback_only() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert published == {"proxy": ["127.0.0.1:8600:8600"]}


def test_a_stop_waits_longer_than_a_drain() -> None:
    for name in ("api", "worker"):
        grace = int(NEO[name]["stop_grace_period"].removesuffix("s"))
        assert grace >= int(NEO[name]["environment"]["NEO_DRAIN_SECONDS"]) + 10


def test_what_must_be_given_is_named_in_the_guide() -> None:
    guide = (HERE / "docs" / "cluster.md").read_text()
    needed = {found[1] for found in VARIABLE.finditer(TEXT) if found[2] == "?"}

    assert {name for name in needed if f"{name}=" not in guide} == set()


@pytest.mark.parametrize("script", sorted((HERE / "deploy").glob("*.sh")), ids=lambda path: path.name)
def test_its_scripts_are_scripts(script: Path) -> None:
    checked = subprocess.run(["sh", "-n", script], capture_output=True, text=True, check=False)

    assert (checked.returncode, checked.stderr) == (0, "")
    assert script.stat().st_mode & 0o111


def test_the_image_copies_what_is_there_with_the_uv_that_setup_uses_and_is_nobodys_root() -> None:
    setup = (HERE / "scripts" / "setup").read_text()
    sources = [
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    ]
    let_in = {line.removeprefix("!") for line in (HERE / ".dockerignore").read_text().split()}

    assert [source for source in sources if not (HERE / source).exists() or source not in let_in] == []
    assert re.findall(r"uv==([\d.]+)", DOCKERFILE) == re.findall(r"UV_VERSION=([\d.]+)", setup)
    assert DOCKERFILE.index("\nUSER neo\n") < DOCKERFILE.index("\nENTRYPOINT")
