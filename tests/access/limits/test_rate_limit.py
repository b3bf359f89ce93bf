"""Requests per tenant in a sliding minute."""

import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest

from support.client import SESSIONS, Client
from support.rows import Rows
from support.server import Server

LIMIT = 8


@pytest.fixture
async def limited(tmp_path: Path) -> AsyncIterator[Server]:
    server = await Server(tmp_path / "data", environment={"NEO_RATE_LIMIT_REQUESTS": str(LIMIT)}).start()
    yield server
    await server.stop()
    server.remove()


async def test_m1_m2_m3_a_tenant_is_limited_over_all_its_keys_and_told_when_to_come_back(
    limited: Server,
) -> None:
    rows = Rows(limited)
    one = Client(limited.url, limited.api_key)
    other_key = Client(limited.url, await rows.key(UUID(limited.tenant_id)))
    other_tenant = Client(limited.url, (await rows.tenant()).api_key)

    answers = [await client.http.get(SESSIONS) for client in [one, other_key] * (LIMIT // 2)]
    refused = await one.http.get(SESSIONS)

    assert [answer.status_code for answer in answers] == [200] * LIMIT
    left = [int(answer.headers["x-ratelimit-remaining"]) for answer in answers]
    assert left == list(range(LIMIT - 1, -1, -1))
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "rate_limited")
    assert refused.headers["x-ratelimit-limit"] == str(LIMIT)
    assert refused.headers["x-ratelimit-remaining"] == "0"
    wait_seconds = int(refused.headers["x-ratelimit-reset"]) - time.time()
    assert 0 < wait_seconds <= 61
    assert abs(int(refused.headers["retry-after"]) - wait_seconds) <= 2
    assert (await other_tenant.http.get(SESSIONS)).status_code == 200

    # Without Valkey each process counts alone, and nobody waits for it.
    os.kill(limited.pids["valkey"], signal.SIGSTOP)
    started = time.monotonic()
    alone = [(await other_tenant.http.get(SESSIONS)).status_code for _ in range(LIMIT + 2)]
    os.kill(limited.pids["valkey"], signal.SIGCONT)
    assert alone == [200] * LIMIT + [429] * 2
    assert time.monotonic() - started < 3
    for client in (one, other_key, other_tenant):
        await client.http.aclose()
    await rows.aclose()
