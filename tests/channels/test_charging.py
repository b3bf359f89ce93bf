"""Whose requests a relay's are."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.client import SESSIONS, Client
from support.rows import Rows
from support.server import Server

LIMIT = 10


@pytest.fixture
async def limited(tmp_path: Path) -> AsyncIterator[Server]:
    server = await Server(tmp_path / "data", environment={"NEO_RATE_LIMIT_REQUESTS": str(LIMIT)}).start()
    yield server
    await server.stop()
    server.remove()


async def test_a_relays_requests_are_charged_to_the_tenant_that_they_are_for(limited: Server) -> None:
    rows = Rows(limited)
    platform, busy, calm = await rows.platform(), await rows.tenant(), await rows.tenant()
    relay, own = Client(limited.url, platform.api_key), Client(limited.url, busy.api_key)

    opened = await relay.http.post(SESSIONS, json={"client_id": str(busy.id)})
    session = opened.json()["data"]["id"]
    read = [await relay.http.get(f"{SESSIONS}/{session}") for _ in range(LIMIT - 1)]
    refused = [await one.http.get(f"{SESSIONS}/{session}") for one in (relay, own)]
    others = await relay.http.post(SESSIONS, json={"client_id": str(calm.id)})
    unrouted = await relay.http.post(SESSIONS, json={})

    left = [int(answer.headers["x-ratelimit-remaining"]) for answer in (opened, *read)]
    assert left == list(range(LIMIT - 1, -1, -1))
    assert [answer.status_code for answer in refused] == [429, 429]
    assert (others.status_code, others.headers["x-ratelimit-remaining"]) == (200, str(LIMIT - 1))
    # What is routed nowhere is the platform's own.
    assert (unrouted.status_code, unrouted.headers["x-ratelimit-remaining"]) == (422, str(LIMIT - 1))
    for client in (relay, own):
        await client.http.aclose()
    await rows.aclose()
