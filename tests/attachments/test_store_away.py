"""A store that goes away: what is asked of it is refused or fails, and nothing else does."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest

from support.azurite import Azurite, running_azurite
from support.client import Client
from support.images import image
from support.server import Server
from support.uploads import files_of, granted, uploaded

GATE_SECONDS = 20


@pytest.fixture
async def dying() -> AsyncIterator[Azurite]:
    async with running_azurite() as azurite:
        yield azurite


async def test_a_store_that_goes_away_fails_the_turn_that_needs_it_and_no_other(
    dying: Azurite, tmp_path_factory: pytest.TempPathFactory
) -> None:
    environment = {**dying.environment, "NEO_MODEL_FAST": "scripted:tokens=3,pause_after=1,gate=away"}
    server = await Server(tmp_path_factory.mktemp("away") / "data", environment).start()
    client = Client(server.url, server.api_key)
    session = await client.open()
    unused = await uploaded(client, session, image())
    await client.say(session, "Hold on")
    upload = await uploaded(client, session, image())
    accepted = await client.say(session, "Look", attachments=[upload.cited()])

    dying.process.kill()
    await dying.process.wait()
    refused = await client.post(session, "Look", attachments=[unused.cited()])
    await _release(server)
    failed = await client.ended(session, accepted["chat_turn_id"])
    following = await client.say(session, "Never mind.")
    await _release(server)
    answered = await client.ended(session, following["chat_turn_id"])
    grant, messages = await granted(client, session), await client.messages(session)
    await client.http.aclose()
    await server.stop()
    server.remove()

    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "blob_store_unavailable")
    assert refused.headers["retry-after"]
    assert (failed["status"], failed["error"]["code"]) == ("FAILED", "blob_store_unavailable")
    assert failed["attempts"] == 3
    assert answered["status"] == "COMPLETED"
    assert grant.url.startswith(dying.endpoint)
    assert len(files_of(messages)) == 1


async def _release(server: Server) -> None:
    async with (
        httpx2.AsyncClient(
            base_url=server.addresses.scripted_model_url.removesuffix("/v1"), trust_env=False
        ) as http,
        asyncio.timeout(GATE_SECONDS),
    ):
        while not (await http.post("/control/release", params={"gate": "away"})).json()["released"]:
            await asyncio.sleep(0.05)
