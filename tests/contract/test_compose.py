"""`compose.yaml` says what this Neo understands. It needs Docker to run; this reads it."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer
from ruamel.yaml import YAML

from neo.cli import app
from neo.settings import described, file_variable, plain, read_settings

HERE = Path(__file__).resolve().parents[2]
TEXT = (HERE / "compose.yaml").read_text()
COMPOSE: dict[str, Any] = YAML(typ="safe").load(TEXT)
SERVICES: dict[str, Any] = COMPOSE["services"]
NEO = {name: service for name, service in SERVICES.items() if service["image"] == "neo"}
DOCKERFILE = (HERE / "Dockerfile").read_text()
VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")
PINNED = re.compile(r"[\w./-]+:[\w-]*\d+\.\d+[\w.-]*@sha256:[0-9a-f]{64}")
# What may not be said in the open: in a variable, a command line or a health check.
SECRET_WORDS = re.compile(
    r"password|passwd|pwd|secret|token|api_?key|requirepass|://[^/]*:[^/]*@", re.IGNORECASE
)
GIVEN = "3f1c9a527d3e4a559d0c2b8d6a1e4f70"
PROVIDERS = {f"neo_{name}_api_key" for name in ("openai", "azure_openai", "anthropic", "compatible")}
OF_NEO = {"neo_secret_key", "neo_database_url", "neo_redis_url"} | PROVIDERS
# Who has which secret. A service that is not here has none, and whoever adds one says so here.
SECRETS = {
    "api": OF_NEO,
    "worker": OF_NEO,
    "migrate": OF_NEO | {"neo_database_owner_url"},
    "postgres": {"postgres_password", "owner_password", "app_password", "temporal_password"},
    "valkey": {"valkey.conf"},
    "temporal": {"temporal_password"},
    "temporal-schema": {"temporal_password"},
}
# Who can reach whom, by the networks that they share.
ENGINES = {"postgres", "valkey", "temporal"}
NEIGHBOURS = {
    "proxy": {"api"},
    "postgres": {"api", "worker", "migrate", "valkey", "temporal", "temporal-schema"},
    "valkey": {"api", "worker", "migrate", "postgres"},
    "temporal": {"api", "worker", "migrate", "temporal-namespace", "temporal-schema", "postgres"},
}


def filled(value: str) -> str:
    """As Compose fills it in, with everything that is mandatory given."""
    return VARIABLE.sub(lambda found: found[3] if found[2] == "-" else GIVEN, value)


def refers(service: dict[str, Any]) -> list[str]:
    return [str(source).split(":")[0] for source in service.get("volumes", [])]


def words(service: dict[str, Any]) -> list[str]:
    """What whoever may look at a container reads of it."""
    said = [f"{name}={value}" for name, value in service.get("environment", {}).items()]
    checks = service.get("healthcheck", {}).get("test", [])
    return [*said, *map(str, (*service.get("command", []), *service.get("entrypoint", []), *checks))]


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the script makes."""
    deploy = tmp_path_factory.mktemp("cluster") / "deploy"
    shutil.copytree(HERE / "deploy", deploy, ignore=shutil.ignore_patterns("secrets"))
    subprocess.run([deploy / "make-secrets.sh"], env={"PATH": os.environ["PATH"]}, check=True)
    return deploy / "secrets"


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_confined(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    # And with no other option: Docker's own seccomp profile stays on.
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "pid", "ipc", "network_mode", "devices", "volumes_from"} & set(service)
    assert service["user"].split(":")[0] not in ("0", "root")
    assert service["pids_limit"] <= 512
    assert re.fullmatch(r"\d+[mg]", service["mem_limit"])
    assert [mount for mount in service["tmpfs"] if "size=" not in mount] == []


@pytest.mark.parametrize("name", SERVICES)
def test_its_image_is_pinned(name: str) -> None:
    image = SERVICES[name]["image"]

    assert PINNED.fullmatch(image) or (image == "neo" and SERVICES[name]["build"] == ".")


@pytest.mark.parametrize("name", SERVICES)
def test_it_has_the_secrets_that_it_needs_and_says_none_in_the_open(name: str) -> None:
    service = SERVICES[name]
    in_the_open = [word for word in words(service) if SECRET_WORDS.search(word)]

    assert set(service.get("secrets", ())) == SECRETS.get(name, set())
    assert [word for word in in_the_open if not re.fullmatch(r"(\w+_FILE=)?/run/secrets/[\w.]+", word)] == []
    files = {word.split("/run/secrets/")[1] for word in words(service) if "/run/secrets/" in word}
    assert files <= SECRETS.get(name, set())


def test_no_secret_is_filled_in_from_a_variable_and_none_is_mounted_with_a_folder() -> None:
    folders = [(HERE / source).resolve() for service in SERVICES.values() for source in refers(service)]
    kept = HERE / "deploy" / "secrets"

    assert [found[0] for found in VARIABLE.finditer(TEXT) if SECRET_WORDS.search(found[1])] == []
    assert [folder for folder in folders if folder == kept or folder in kept.parents] == []
    for service in SERVICES.values():
        mounts = [mount for mount in service.get("volumes", []) if mount.startswith(".")]
        assert [mount for mount in mounts if not mount.endswith(":ro")] == []
    assert "deploy/secrets/" in (HERE / ".gitignore").read_text().splitlines()


def test_who_can_be_reached_by_whom() -> None:
    networks = {name: set(service["networks"]) for name, service in SERVICES.items()}
    inside = {name for name, network in COMPOSE["networks"].items() if network.get("internal")}

    for name, expected in NEIGHBOURS.items():
        found = {other for other in networks if other != name and networks[name] & networks[other]}
        assert found == expected, name
    assert [name for name in ENGINES if not networks[name] <= inside] == []
    assert COMPOSE["networks"]["front"]["ipam"]["config"] == [
        {"subnet": COMPOSE["x-settings"]["NEO_TRUSTED_PROXIES"]}
    ]


def test_the_script_makes_each_secret_and_no_two_alike(secrets: Path) -> None:
    declared = {name: Path(secret["file"]) for name, secret in COMPOSE["secrets"].items()}
    passwords = [file.read_text().strip() for file in secrets.glob("*_password")]

    assert set(declared) == set().union(*SECRETS.values())
    assert {file.parent for file in declared.values()} == {Path("deploy/secrets")}
    assert [name for name, file in declared.items() if not (secrets / file.name).exists()] == []
    assert secrets.stat().st_mode & 0o777 == 0o700
    assert len(set(passwords)) == len(passwords) == 5
    assert all(re.fullmatch(r"[0-9a-f]{48}", password) for password in passwords)
    for holder, password in (
        ("neo_database_url", "app_password"),
        ("neo_database_owner_url", "owner_password"),
        ("neo_redis_url", "valkey_password"),
        ("valkey.conf", "valkey_password"),
    ):
        assert (secrets / password).read_text().strip() in (secrets / holder).read_text()


def test_the_script_writes_nothing_twice_and_takes_over_what_a_cluster_has(tmp_path: Path) -> None:
    (tmp_path / "deploy").mkdir()
    script = shutil.copy(HERE / "deploy" / "make-secrets.sh", tmp_path / "deploy")
    (tmp_path / ".env").write_text("APP_PASSWORD=old1\nNEO_SECRET_KEY=old2\n")

    def ran(**environment: str) -> subprocess.CompletedProcess[str]:
        known = {"PATH": os.environ["PATH"], **environment}
        return subprocess.run([script], env=known, capture_output=True, text=True, check=False)

    refused = ran()
    made = ran(APP_PASSWORD="old1", NEO_SECRET_KEY="old2")
    before = {file.name: file.read_text() for file in (tmp_path / "deploy" / "secrets").iterdir()}
    again = ran(APP_PASSWORD="another", NEO_SECRET_KEY="another")
    odd = ran(VALKEY_PASSWORD="with@sign")

    assert (refused.returncode, made.returncode, again.returncode, odd.returncode) == (1, 0, 0, 1)
    assert "Take them over" in refused.stderr
    assert "take the passwords and keys out of .env" in made.stderr
    assert "old1" in before["neo_database_url"]
    assert before["neo_secret_key"] == "old2\n"
    assert {file.name: file.read_text() for file in (tmp_path / "deploy" / "secrets").iterdir()} == before


def test_there_are_two_apis_two_workers_a_migration_and_their_engines() -> None:
    assert set(NEO) == {"api", "worker", "migrate"}
    assert [NEO[name]["deploy"]["replicas"] for name in ("api", "worker")] == [2, 2]
    assert {"postgres", "valkey", "temporal", "proxy"} <= set(SERVICES)


@pytest.mark.parametrize("name", NEO)
def test_its_variables_are_settings_and_its_values_are_accepted(
    name: str, secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings_and_files = [(variable, file_variable(variable, field)) for _, variable, field in described()]
    known = {variable for both in settings_and_files for variable in both if variable}
    mounted = {variable: filled(str(value)) for variable, value in NEO[name]["environment"].items()}
    given = {variable: value.replace("/run/secrets", str(secrets)) for variable, value in mounted.items()}
    for variable in known:
        monkeypatch.delenv(variable, raising=False)

    assert set(given) <= known
    for variable, value in given.items():
        monkeypatch.setenv(variable, value)
    settings = read_settings()

    assert settings.server.is_strict
    assert settings.server.drain_seconds == 60
    assert (settings.temporal.temporal_address, settings.telemetry.metrics_port) == ("temporal:7233", 9464)
    assert re.fullmatch(
        r"postgresql\+asyncpg://neo_app:\w+@postgres:5432/neo", plain(settings.database.database_url) or ""
    )
    assert (settings.database.database_owner_url is not None) == (name == "migrate")
    assert settings.models.openai_api_key is None


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

    assert "NEO_MODEL_FAST" in needed
    assert {name for name in needed if f"{name}=" not in guide} == set()
    assert "deploy/make-secrets.sh" in guide


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
    assert [
        image for image in re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE) if not PINNED.fullmatch(image)
    ] == []
    assert "--extra" not in DOCKERFILE
    assert "--group" not in DOCKERFILE
    assert re.findall(r"uv==([\d.]+)", DOCKERFILE) == re.findall(r"UV_VERSION=([\d.]+)", setup)
    assert DOCKERFILE.index("\nUSER neo\n") < DOCKERFILE.index("\nENTRYPOINT")
