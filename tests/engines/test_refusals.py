"""What keeps `neo` from starting is said before anything is started."""

import os
import socket
from pathlib import Path

import pytest

from neo.cli.operator import NoDatabase, operator_database
from neo.cli.serve.command import ServeOptions, serve_until_stopped
from neo.engines.addresses import Addresses
from neo.engines.choose import choose_engines, server_environment
from neo.engines.errors import ConfigurationMissing, PortTaken
from neo.engines.ports import refuse_taken_port
from neo.resources import NotConfigured, open_egress
from neo.settings import EgressSettings, SettingsInvalid
from support.ports import free_port

DATABASE = {"NEO_DATABASE_URL": "postgresql+asyncpg://neo@db.example/neo"}
OWNER = {"NEO_DATABASE_OWNER_URL": "postgresql+asyncpg://owner@db.example/neo"}
SECRET = {"NEO_SECRET_KEY": "a secret key of at least thirty-two characters"}


def test_a_port_that_somebody_listens_on_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(PortTaken, match=f"Port {port} on 127.0.0.1 is taken"):
            refuse_taken_port("127.0.0.1", port)

    refuse_taken_port("127.0.0.1", port)


@pytest.mark.parametrize(
    ("given", "missing"), [(SECRET, "NEO_DATABASE_OWNER_URL"), (OWNER, "NEO_SECRET_KEY")]
)
def test_half_a_database_is_refused_by_what_is_missing(given: dict[str, str], missing: str) -> None:
    with pytest.raises(ConfigurationMissing, match=f"set {missing} too"):
        choose_engines(DATABASE | given)

    assert "postgres" not in choose_engines(DATABASE | OWNER | SECRET)


async def test_a_database_that_is_given_as_a_file_is_given(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "url").write_text(f"{DATABASE['NEO_DATABASE_URL']}\n")
    monkeypatch.setenv("NEO_DATABASE_URL_FILE", str(tmp_path / "url"))
    options = ServeOptions(
        host="127.0.0.1", port=free_port(), data=tmp_path / "data", environment=dict(os.environ)
    )

    with pytest.raises(ConfigurationMissing, match="set NEO_DATABASE_OWNER_URL too"):
        await serve_until_stopped(options)


async def test_without_a_data_folder_there_is_nothing_to_administer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for variable in [name for name in os.environ if name.startswith("NEO_")]:
        monkeypatch.delenv(variable)

    with pytest.raises(NoDatabase, match="run `neo serve` first"):
        async with operator_database(tmp_path / "none"):
            pass
    with pytest.raises(NoDatabase, match="is not a data folder that `neo serve` has used yet"):
        async with operator_database(tmp_path):
            pass


@pytest.mark.parametrize(
    ("variable", "value", "problem"),
    [
        ("NEO_ENVIRONMENT", "live", "NEO_PUBLIC_URL"),
        ("NEO_MODELFAST", "x", "There is no setting NEO_MODELFAST. Did you mean NEO_MODEL_FAST"),
        ("NEO_MODEL_IDLE_SECONDS", "soon", "NEO_MODEL_IDLE_SECONDS"),
    ],
)
async def test_nothing_is_started_with_settings_that_the_server_refuses(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, value: str, problem: str
) -> None:
    monkeypatch.setenv(variable, value)
    options = ServeOptions(
        host="127.0.0.1", port=free_port(), data=tmp_path / "data", is_json=True, environment=dict(os.environ)
    )

    with pytest.raises(SettingsInvalid, match=problem):
        await serve_until_stopped(options)

    assert not (tmp_path / "data").exists()


async def test_the_scripted_mcp_server_is_for_development(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    live = {
        "NEO_ENVIRONMENT": "live",
        "NEO_PUBLIC_URL": "https://neo.example.com",
        "NEO_SECRET_KEY": "sBgV0x9dZkq7TtYw3Lr1Jm5NcPf8HaUe2oQiXvKz",
    }
    for variable, value in live.items():
        monkeypatch.setenv(variable, value)
    options = ServeOptions(
        host="127.0.0.1", port=free_port(), data=tmp_path, environment=live, has_scripted_mcp=True
    )

    with pytest.raises(SettingsInvalid, match="scripted MCP server is for development"):
        await serve_until_stopped(options)


def test_what_the_operator_lists_is_kept_beside_the_scripted_mcp_server() -> None:
    here = Addresses(scripted_mcp_url="http://127.0.0.1:8620/mcp")
    listed = {"NEO_EGRESS_PRIVATE": "10.0.0.0/8"}

    both = server_environment(listed, here, "secret", ())

    assert both["NEO_EGRESS_PRIVATE"] == "10.0.0.0/8,127.0.0.1:8620"
    assert "NEO_EGRESS_PRIVATE" not in server_environment({}, Addresses(), "secret", ())


@pytest.mark.parametrize("value", ["https://a.example", "10.0.0.1/8", "a b"])
def test_a_private_place_that_is_none_is_named(value: str) -> None:
    with pytest.raises(NotConfigured, match=r"NEO_EGRESS_PRIVATE: .* is n"):
        open_egress(EgressSettings(egress_private=value))
