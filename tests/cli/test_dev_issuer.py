"""`neo dev-issuer`, as a command: what it prints makes Neo accept what it signs."""

import asyncio
import json
import signal
import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from cli.neo_command import neo, started
from neo.access import EntraPerson, EntraVerifier
from neo.resources import entra_verifier
from neo.settings import read_settings
from support.ports import free_port

TID = "7e4a47f1-0000-4000-8000-0000000000a1"
OID = "0b1ec7ed-0000-4000-8000-000000000001"
START_SECONDS_MAX = 20
PERSON = {"tid": TID, "oid": OID, "name": "Ada", "email": "ada@example.com", "roles": ["Admin"]}


@dataclass
class Issuing:
    url: str
    data: Path
    settings: dict[str, str]
    banner: str
    http: httpx2.AsyncClient

    async def verify(self, monkeypatch: pytest.MonkeyPatch, token: str) -> EntraPerson:
        for variable, value in self.settings.items():
            monkeypatch.setenv(variable, value)
        verifier = entra_verifier(read_settings())
        assert isinstance(verifier, EntraVerifier)
        return await verifier.verify(token)


@pytest.fixture(scope="module")
async def issuing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Issuing]:
    port, data = free_port(), tmp_path_factory.mktemp("issuer") / "data"
    process = await started("dev-issuer", "serve", "--port", str(port), "--data", str(data))
    assert process.stdout is not None
    assert process.stderr is not None
    async with asyncio.timeout(START_SECONDS_MAX):
        banner = (await process.stderr.readline()).decode()
        lines = [(await process.stdout.readline()).decode().strip() for _ in range(3)]
    settings = dict(line.removeprefix("export ").split("=", 1) for line in lines)
    url = f"http://127.0.0.1:{port}"
    async with httpx2.AsyncClient(base_url=url, trust_env=False, verify=False) as http:
        await _until_it_answers(http)
        yield Issuing(url, data, settings, banner, http)
    process.send_signal(signal.SIGINT)
    await asyncio.wait_for(process.communicate(), START_SECONDS_MAX)


async def _until_it_answers(http: httpx2.AsyncClient) -> None:
    async with asyncio.timeout(START_SECONDS_MAX):
        while True:
            try:
                await http.get("/")
            except httpx2.ConnectError:
                await asyncio.sleep(0.05)
            else:
                return


async def test_it_says_that_it_is_for_development_and_what_to_set(issuing: Issuing) -> None:
    told = await neo("dev-issuer", "--help")

    assert "Never in production" in issuing.banner
    assert "never in production" in " ".join(told.out.split())
    assert set(issuing.settings) == {
        "NEO_ENTRA_AUDIENCE",
        "NEO_ENTRA_CLIENT_IDS",
        "NEO_ENTRA_METADATA_URL",
    }
    assert stat.S_IMODE((issuing.data / "dev-issuer.json").stat().st_mode) == 0o600


async def test_a_printed_token_is_accepted(issuing: Issuing, monkeypatch: pytest.MonkeyPatch) -> None:
    person = ("--tid", TID, "--oid", OID, "--name", "Ada", "--email", "ada@example.com", "--role", "Admin")
    printed = await neo("dev-issuer", "token", *person, "--url", issuing.url, "--data", str(issuing.data))

    found = await issuing.verify(monkeypatch, printed.out.strip())

    assert printed.code == 0
    assert (str(found.tid), str(found.oid), found.name, found.email) == (TID, OID, "Ada", "ada@example.com")
    assert found.app_roles == {"Admin"}


@pytest.mark.parametrize(
    "asked",
    [pytest.param({"json": PERSON}, id="json"), pytest.param({"data": PERSON}, id="form")],
)
async def test_a_token_is_given_for_a_form_and_for_json(
    issuing: Issuing, monkeypatch: pytest.MonkeyPatch, asked: dict[str, Any]
) -> None:
    answer = await issuing.http.post("/token", **asked)

    found = await issuing.verify(monkeypatch, answer.json()["access_token"])

    assert (str(found.tid), str(found.oid), set(found.app_roles)) == (TID, OID, {"Admin"})
    assert answer.json()["expires_in"] == 3600
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "asked",
    [
        {"json": {**PERSON, "tid": "common"}},
        {"json": {**PERSON, "expires_in": 10**9}},
        {"json": {**PERSON, "who": "knows"}},
        {"content": b"\xff"},
        {"content": b"{"},
    ],
)
async def test_what_it_cannot_read_is_400(issuing: Issuing, asked: dict[str, Any]) -> None:
    answer = await issuing.http.post("/token", **asked)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_a_name_that_someone_else_points_at_this_machine_gets_nothing(issuing: Issuing) -> None:
    answer = await issuing.http.post("/token", json=PERSON, headers={"host": "evil.example.com"})

    assert answer.status_code == 400
    assert "access_token" not in answer.text


async def test_its_keys_are_published_without_their_private_half(issuing: Issuing) -> None:
    keys = (await issuing.http.get("/common/discovery/v2.0/keys")).json()["keys"]

    assert [set(key) for key in keys] == [{"kty", "n", "e", "kid", "use", "alg", "issuer"}]
    assert json.loads((issuing.data / "dev-issuer.json").read_text())["kid"] == keys[0]["kid"]


async def test_a_taken_port_is_refused_by_name(issuing: Issuing) -> None:
    refused = await neo(
        "dev-issuer", "serve", "--port", issuing.url.rpartition(":")[2], "--data", str(issuing.data)
    )

    assert (refused.code, refused.out) == (1, "")
    assert "is taken" in refused.stderr
