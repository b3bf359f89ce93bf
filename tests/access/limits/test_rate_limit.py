"""Requests per tenant in a sliding minute."""

import asyncio
import os
import signal
import time
from uuid import UUID

from sqlalchemy import select

from access.limits.conftest import LIMIT
from neo.access import new_key
from neo.sessions import ChatSession
from support.client import SESSIONS, Client
from support.rows import Rows
from support.server import Server

BACK_SECONDS = 10


async def test_a_limit_of_0_is_none(client: Client) -> None:
    wrong = {"authorization": f"Bearer {new_key('local')}"}
    answers = [await client.http.get(SESSIONS, params={"page_size": 1}) for _ in range(2 * LIMIT)]
    refused = [await client.http.get(SESSIONS, headers=wrong) for _ in range(2 * LIMIT)]

    assert {answer.status_code for answer in answers} == {200}
    assert not [name for name in answers[0].headers if name.startswith("x-ratelimit")]
    assert {answer.status_code for answer in refused} == {401}


async def test_m1_m2_m3_a_tenant_is_limited_over_all_its_keys_and_told_when_to_come_back(
    limited: Server, limited_rows: Rows
) -> None:
    rows = limited_rows
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
    took = time.monotonic() - started
    os.kill(limited.pids["valkey"], signal.SIGCONT)
    async with asyncio.timeout(BACK_SECONDS):
        while (await one.http.get("/public-api/ready")).status_code != 200:
            await asyncio.sleep(0.05)
    assert alone == [200] * LIMIT + [429] * 2
    assert took < 3
    for client in (one, other_key, other_tenant):
        await client.http.aclose()


async def test_a_relays_requests_are_charged_to_the_tenant_that_they_are_for(
    limited: Server, limited_rows: Rows
) -> None:
    rows = limited_rows
    platform, busy, calm = await rows.platform(), await rows.tenant(), await rows.tenant()
    relay, own = Client(limited.url, platform.api_key), Client(limited.url, busy.api_key)

    opened = await relay.http.post(SESSIONS, json={"client_id": str(busy.id)})
    session = opened.json()["data"]["id"]
    read = [await relay.http.get(f"{SESSIONS}/{session}") for _ in range(LIMIT - 1)]
    refused = [await one.http.get(f"{SESSIONS}/{session}") for one in (relay, own)]
    over = await relay.http.post(SESSIONS, json={"client_id": str(busy.id)})
    others = await relay.http.post(SESSIONS, json={"client_id": str(calm.id)})
    unrouted = await relay.http.post(SESSIONS, json={})

    left = [int(answer.headers["x-ratelimit-remaining"]) for answer in (opened, *read)]
    assert left == list(range(LIMIT - 1, -1, -1))
    assert [answer.status_code for answer in (*refused, over)] == [429] * 3
    # What is over the limit leaves nothing behind.
    async with rows.database.transaction(busy.id) as db:
        assert (await db.scalars(select(ChatSession.id))).all() == [UUID(session)]
    assert (others.status_code, others.headers["x-ratelimit-remaining"]) == (200, str(LIMIT - 1))
    # What is routed nowhere is the platform's own.
    assert (unrouted.status_code, unrouted.headers["x-ratelimit-remaining"]) == (422, str(LIMIT - 1))
    for client in (relay, own):
        await client.http.aclose()
