"""Every setting is described where a reader looks for it, and a misspelt one is not passed over."""

import base64
import importlib.util
import os
import random
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from neo.kit import guessing_bits
from neo.settings import (
    SECRET_BITS_MIN,
    SettingsInvalid,
    default_of,
    described,
    file_variable,
    plain,
    read_settings,
    with_secrets,
)

HERE = Path(__file__).resolve().parents[2]
SETTINGS = [(variable, field) for _, variable, field in described()]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for variable, field in SETTINGS:
        for name in (variable, file_variable(variable, field)):
            if name:
                monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_every_setting_says_what_it_is_for() -> None:
    assert [variable for variable, field in SETTINGS if not field.description] == []


def test_no_variable_is_read_by_two_settings() -> None:
    variables = [variable for variable, _ in SETTINGS]

    assert len(variables) == len(set(variables))


def test_every_setting_is_in_the_example_and_in_the_docs() -> None:
    example, page = (HERE / ".env.example").read_text(), (HERE / "docs" / "settings.md").read_text()

    missing = [
        variable
        for variable, _ in SETTINGS
        if f"\n# {variable}=" not in example or f"\n| `{variable}` |" not in page
    ]

    assert missing == [], "Type: make snapshots"


def test_the_example_and_the_docs_are_those_that_the_code_makes() -> None:
    spec = importlib.util.spec_from_file_location("settings_pages", HERE / "scripts" / "settings_pages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    stale = [str(file.relative_to(HERE)) for file, text in module.pages().items() if file.read_text() != text]

    assert stale == [], "Type: make snapshots"


@pytest.mark.usefixtures("environment")
def test_everything_has_a_default() -> None:
    settings = read_settings()

    assert settings.server.port == 8600
    assert settings.models.model_fast is None


def test_a_variable_is_read(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("NEO_PORT", "9000")
    environment.setenv("NEO_TEMPORAL_TLS", "true")

    settings = read_settings()

    assert (settings.server.port, settings.temporal.temporal_tls) == (9000, True)


def test_an_empty_variable_counts_as_unset(environment: pytest.MonkeyPatch) -> None:
    for variable, _ in SETTINGS:
        environment.setenv(variable, "")

    settings = read_settings()

    assert settings.server.port == 8600
    assert settings.database.database_url is None


def test_an_unknown_variable_is_refused_with_the_one_that_was_meant(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("NEO_MODEL_FATS", "openai:gpt-5.4-mini")

    with pytest.raises(SettingsInvalid, match=r"no setting NEO_MODEL_FATS.*Did you mean NEO_MODEL_FAST\?"):
        read_settings()


def test_a_wrong_value_is_refused_by_the_variable_s_name(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("NEO_PORT", "eighty")
    environment.setenv("NEO_SECRET_KEY", "not-to-be-told")

    with pytest.raises(SettingsInvalid, match="NEO_PORT") as refused:
        read_settings()

    assert "not-to-be-told" not in refused.value.message


def test_a_secret_does_not_show_itself(environment: pytest.MonkeyPatch) -> None:
    secrets = [variable for variable, field in SETTINGS if "SecretStr" in str(field.annotation)]
    for variable in secrets:
        environment.setenv(variable, "not-to-be-told")

    assert "not-to-be-told" not in repr(read_settings())
    assert {"NEO_SECRET_KEY", "NEO_DATABASE_URL", "NEO_OPENAI_API_KEY"} <= set(secrets)


def test_what_holds_a_secret_is_declared_as_one() -> None:
    open_ones = [
        variable
        for variable, field in SETTINGS
        if variable.endswith(("_KEY", "_DATABASE_URL", "_OWNER_URL", "_REDIS_URL"))
        and "SecretStr" not in str(field.annotation)
    ]

    assert open_ones == []


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_every_secret_may_stand_in_a_file(environment: pytest.MonkeyPatch, tmp_path: Path, end: str) -> None:
    files = {variable: name for variable, field in SETTINGS if (name := file_variable(variable, field))}
    for variable, name in files.items():
        (tmp_path / variable).write_text(f"secret of {variable}{end}", newline="")
        environment.setenv(name, str(tmp_path / variable))
        environment.setenv(variable, "")

    settings = read_settings()
    passed_on = with_secrets(os.environ)

    read = {
        f"NEO_{name.upper()}": plain(value)
        for group in vars(settings).values()
        for name, value in group
        if isinstance(value, SecretStr)
    }
    assert read == {variable: f"secret of {variable}" for variable in files}
    assert {variable: passed_on[variable] for variable in files} == read
    assert set(files.values()) & set(passed_on) == set()
    assert {"NEO_SECRET_KEY", "NEO_DATABASE_OWNER_URL", "NEO_REDIS_URL", "NEO_OPENAI_API_KEY"} <= set(files)


def test_an_empty_file_counts_as_unset(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "none").write_text("\n")
    environment.setenv("NEO_OPENAI_API_KEY_FILE", str(tmp_path / "none"))

    assert read_settings().models.openai_api_key is None
    assert "NEO_OPENAI_API_KEY" not in with_secrets(os.environ)


@pytest.mark.parametrize(
    ("holds", "refusal"),
    [
        (None, r"NEO_SECRET_KEY_FILE: .*/secret cannot be read: No such file"),
        (b"\xff\xfe\x00not-to-be-told", r"NEO_SECRET_KEY_FILE: .*/secret cannot be read: it is no text"),
        (b"not-to-be-told" * 10_000, r"NEO_SECRET_KEY_FILE: .*/secret has more than \d+ characters"),
    ],
)
def test_a_file_that_gives_no_secret_is_named(
    environment: pytest.MonkeyPatch, tmp_path: Path, holds: bytes | None, refusal: str
) -> None:
    file = tmp_path / "secret"
    if holds is not None:
        file.write_bytes(holds)
    environment.setenv("NEO_SECRET_KEY_FILE", str(file))

    with pytest.raises(SettingsInvalid, match=refusal) as refused:
        read_settings()

    assert "not-to-be-told" not in refused.value.message


def test_a_secret_that_is_given_twice_is_refused(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("not-to-be-told")
    environment.setenv("NEO_SECRET_KEY_FILE", str(tmp_path / "secret"))
    environment.setenv("NEO_SECRET_KEY", "not-to-be-told")

    with pytest.raises(
        SettingsInvalid, match=r"^NEO_SECRET_KEY and NEO_SECRET_KEY_FILE are both set: keep one"
    ):
        read_settings()


def test_what_is_no_secret_stands_in_no_file(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("NEO_PORT_FILE", "/run/port")

    with pytest.raises(SettingsInvalid, match="no setting NEO_PORT_FILE"):
        read_settings()


def test_every_default_is_one_that_the_settings_accept(environment: pytest.MonkeyPatch) -> None:
    for variable, field in SETTINGS:
        environment.setenv(variable, str(default_of(field)))

    read_settings()


@pytest.mark.skipif(sys.platform == "win32", reason="neo runs on Linux and macOS")
def test_the_launcher_reads_env_files_as_they_are_written(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("launch", HERE / "scripts" / "launch.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    file = tmp_path / ".env"
    file.write_text(
        "# NEO_PORT=1\nNEO_HOST = ::1\n\n"
        'export NEO_MODEL_FAST="openai:gpt-5.4-mini"\nNEO_CORS_ORIGINS=a=b # c\n'
    )

    assert module.read_env(file) == {
        "NEO_HOST": "::1",
        "NEO_MODEL_FAST": "openai:gpt-5.4-mini",
        "NEO_CORS_ORIGINS": "a=b # c",
    }


LIVE = {
    "NEO_ENVIRONMENT": "live",
    "NEO_PUBLIC_URL": "https://neo.example",
    "NEO_SECRET_KEY": "3f1c9a527d3e4a559d0c2b8d6a1e4f70,KcqT9Zt1b0uJwV5m2yq3pXe8rLs7aHdN",
}
LOCAL_ISSUER = "http://127.0.0.1:8610/common/v2.0/.well-known/openid-configuration"
WEAK = [
    "x" * 40,
    "password" * 5,
    "0123456789" * 4,
    "abcdefghijklmnopqrstuvwxyz0123456789",
    "change-me-change-me-change-me-change-me",
    "this-is-a-secret-key-for-production-use",
    "This-Is-A-Secret-Key-For-Production-Use",
    "ThisIsASecretKeyForProductionUse2026",
    "THIS_IS_A_SECRET_KEY_FOR_PRODUCTION_USE",
    "correct horse battery staple correct horse",
    "please-change-this-before-going-live-123",
    "Neo-Production-Secret-Key-2026-12345678",
    "Neo-Production-Secret-Key-2026-87654321",
]
# What `openssl rand -hex`, `openssl rand -base64` and Python's `secrets.token_urlsafe` make of so many random bytes.
GOOD: list[tuple[Callable[[bytes], str], int]] = [
    (bytes.hex, 16),
    (bytes.hex, 32),
    (lambda raw: base64.b64encode(raw).decode(), 32),
    (lambda raw: base64.b64encode(raw).decode(), 48),
    (lambda raw: base64.urlsafe_b64encode(raw).decode().rstrip("="), 32),
]


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"NEO_PUBLIC_URL": ""}, "NEO_PUBLIC_URL must say where"),
        ({"NEO_PUBLIC_URL": "http://neo.example"}, "NEO_PUBLIC_URL must be https"),
        ({"NEO_PUBLIC_URL": "http://127.0.0.1.example:8600"}, "NEO_PUBLIC_URL must be https"),
        ({"NEO_CORS_ORIGINS": "*"}, "NEO_CORS_ORIGINS allows every page"),
        ({"NEO_CORS_ORIGINS": "https://app.example, *"}, "NEO_CORS_ORIGINS allows every page"),
        ({"NEO_CORS_ORIGINS": "null"}, "NEO_CORS_ORIGINS allows every page"),
        ({"NEO_FAILPOINTS": "/tmp/points"}, "NEO_FAILPOINTS is for tests"),
        ({"NEO_ENTRA_METADATA_URL": LOCAL_ISSUER}, "NEO_ENTRA_METADATA_URL must be https, also on this"),
        ({"NEO_ENTRA_JWKS_URL": "http://login.example/keys"}, "NEO_ENTRA_JWKS_URL must be https"),
        ({"NEO_ENTRA_V1_ISSUER": "http://localhost/{tenantid}/"}, "NEO_ENTRA_V1_ISSUER must be https"),
        *(({"NEO_SECRET_KEY": weak}, "NEO_SECRET_KEY can be guessed") for weak in WEAK),
        ({"NEO_SECRET_KEY": f"{LIVE['NEO_SECRET_KEY']},{WEAK[0]}"}, "NEO_SECRET_KEY can be guessed"),
    ],
)
@pytest.mark.parametrize("name", ["live", "prod"])
def test_where_customers_are_what_is_for_development_is_refused(
    environment: pytest.MonkeyPatch, changes: dict[str, str], refusal: str, name: str
) -> None:
    for variable, value in {**LIVE, "NEO_ENVIRONMENT": name, **changes}.items():
        environment.setenv(variable, value)

    with pytest.raises(SettingsInvalid, match=refusal) as refused:
        read_settings()

    assert refused.value.message.startswith(f"NEO_ENVIRONMENT is `{name}`. {refusal}")
    for weak in WEAK:
        assert weak not in refused.value.message
    environment.setenv("NEO_ENVIRONMENT", "test")
    assert read_settings()


def test_all_that_is_refused_is_told_at_once(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("NEO_ENVIRONMENT", "live")
    environment.setenv("NEO_SECRET_KEY", WEAK[0])

    with pytest.raises(SettingsInvalid, match=r"NEO_PUBLIC_URL .*: .*\. NEO_SECRET_KEY can be guessed"):
        read_settings()


@pytest.mark.parametrize(
    "public_url", ["https://neo.example/api", "http://localhost:8600", "http://[::1]:8600"]
)
def test_where_customers_are_good_settings_are_taken(
    environment: pytest.MonkeyPatch, public_url: str
) -> None:
    for variable, value in {**LIVE, "NEO_PUBLIC_URL": public_url}.items():
        environment.setenv(variable, value)

    assert read_settings().server.is_strict


@pytest.mark.parametrize(("make", "size"), GOOD)
def test_no_secret_that_is_made_by_chance_is_refused(make: Callable[[bytes], str], size: int) -> None:
    chance = random.Random(f"{size} bytes")

    weakest = min(guessing_bits(make(chance.randbytes(size))) for _ in range(2_000))

    assert weakest >= SECRET_BITS_MIN
