"""What is said by a server that has lost its database, and by one that was not given everything."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from journeys.test_halves import environment, neo
from support.client import SESSIONS, Client
from support.issuer import Issuer
from support.ports import free_port
from support.server import Server

READY = "/public-api/ready"
WAIT_SECONDS = 60


def told(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def until(client: Client, path: str, status: int) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while (await client.http.get(path)).status_code != status:
            await asyncio.sleep(0.1)


@pytest.fixture
async def client(own: Server) -> AsyncIterator[Client]:
    client = Client(own.url, own.api_key)
    yield client
    await client.http.aclose()


async def test_without_the_identity_provider_no_persons_token_is_checked(
    own: Server, identity: Issuer, client: Client
) -> None:
    person = Client(own.url, identity.token())

    answer = await person.http.get(SESSIONS)
    await person.http.aclose()

    assert told(answer) == (503, "identity_provider_unavailable")
    assert answer.headers["retry-after"]
    assert (await client.http.get(SESSIONS)).status_code == 200


async def test_without_its_database_a_server_is_not_ready_and_comes_back(own: Server, client: Client) -> None:
    assert own.process is not None
    # Or it would be started again before anybody could ask.
    own.process.send_signal(signal.SIGSTOP)
    try:
        os.kill(own.pids["postgres"], signal.SIGKILL)
        # Whoever asks within a second of another gets what that one got.
        await until(client, READY, 503)
        answers = [await client.http.get(path) for path in (SESSIONS, READY)]
    finally:
        own.process.send_signal(signal.SIGCONT)
    await until(client, READY, 200)

    assert [told(answer) for answer in answers] == [(503, "database_unavailable"), (503, "not_ready")]
    assert answers[0].headers["retry-after"]
    assert answers[1].json()["error"]["details"]["parts"]["postgres"] == "down"
    assert (await client.http.get(SESSIONS)).status_code == 200


async def test_without_a_store_no_upload_is_granted(own: Server, client: Client, tmp_path: Path) -> None:
    port = free_port()
    secret = (own.data / "secret").read_text().strip()
    apart = {**environment(own.addresses), "NEO_SECRET_KEY": secret}
    async with neo(tmp_path / "api.log", apart, "api", "--port", str(port)):
        other = Client(f"http://127.0.0.1:{port}", own.api_key)
        async with asyncio.timeout(WAIT_SECONDS):
            while not await _is_ready(other):
                await asyncio.sleep(0.1)
        session = await other.open()
        answer = await other.http.post(
            f"{SESSIONS}/{session}/attachments/upload-url", json={"content_type": "image/png"}
        )
        await other.http.aclose()

    assert told(answer) == (503, "attachments_not_configured")


async def _is_ready(client: Client) -> bool:
    try:
        return (await client.http.get(READY)).status_code == 200
    except httpx2.TransportError:
        return False
