"""API keys against those who guess, forge, keep or outlive them."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from neo.access import Authenticator, KeyFormat, Pepper, Unauthenticated, new_key
from neo.access.keys.format import checksum
from neo.people import Enrolment
from support.client import SESSIONS, Client
from support.counting import CountingDatabase
from support.people import People
from support.rows import Rows, Tenant
from support.server import Server

KEYS = "/public-api/api-keys"
TENANT = "/public-api/tenant"
RACERS = 300
AT_ONCE = 20
KEY = new_key("local")
MALFORMED = {
    "C1-random": "neo_sk_local_" + "x" * 49,
    "C1-truncated": KEY[:-1],
    "C1-extended": KEY + "0",
    "C1-wrong-case": KEY.swapcase(),
    "C1-wrong-checksum": KEY[:-1] + ("0" if KEY[-1] != "0" else "1"),
    "C1-one-character-of-the-secret": KEY[:20] + ("0" if KEY[20] != "0" else "1") + KEY[21:],
    "C1-of-another-prefix": KEY.replace("neo_sk", "neo_pk"),
    "C2-of-another-environment": new_key("test"),
    "C2-relabelled": new_key("test").replace("_test_", "_local_"),
}


@pytest.fixture
async def tenant(rows: Rows) -> Tenant:
    return await rows.tenant("A tenant under attack")


@pytest.fixture
async def admin(tenant: Tenant, people: People) -> Client:
    return (await people.join(tenant.id, "Admin"))[1]


@pytest.fixture
def authenticator(server: Server, database: CountingDatabase) -> Authenticator:
    return Authenticator(
        database, KeyFormat("local"), (secret_of(server),), entra=None, enrol=Enrolment(database, None)
    )


@pytest.fixture
async def nobody(server: Server) -> AsyncIterator[Client]:
    client = Client(server.url, "")
    yield client
    await client.http.aclose()


async def made(admin: Client, **fields: Any) -> dict[str, Any]:
    answer = await admin.http.post(KEYS, json={"name": "Attacked", **fields})
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["data"])


async def status(nobody: Client, key: str) -> int:
    return (await nobody.http.get(TENANT, headers={"authorization": f"Bearer {key}"})).status_code


@pytest.mark.parametrize("key", [pytest.param(key, id=name) for name, key in MALFORMED.items()])
async def test_what_is_no_key_of_ours_is_401_and_costs_no_query(
    authenticator: Authenticator, database: CountingDatabase, nobody: Client, key: str
) -> None:
    with pytest.raises(Unauthenticated):
        await authenticator.authenticate([f"Bearer {key}"])

    assert database.taken() == []
    assert await status(nobody, key) == 401


async def test_c3_a_near_miss_is_looked_up_as_any_other_by_its_whole_digest(
    authenticator: Authenticator, database: CountingDatabase, server: Server, tenant: Tenant
) -> None:
    pepper = Pepper((secret_of(server),))
    body = tenant.api_key[:-6]
    near = body[:-1] + ("0" if body[-1] != "0" else "1")
    near += checksum(near)

    for key in (near, new_key("local")):
        with pytest.raises(Unauthenticated):
            await authenticator.authenticate([f"Bearer {key}"])

    assert database.taken() == ["neo_find_api_keys"] * 2
    same = [a == b for a, b in zip(pepper.digest(near), pepper.digest(tenant.api_key), strict=True)]
    assert sum(same) < 8


async def test_c4_a_revoked_key_is_refused_at_once_and_its_open_tail_ends_within_five_seconds(
    admin: Client, people: People
) -> None:
    key = await made(admin)
    holder = people.client(key["key"])
    session = await holder.open()

    async with holder.stream(session, follow=True) as tail:
        assert tail.status_code == 200
        began = time.monotonic()
        await admin.http.delete(f"{KEYS}/{key['id']}")
        refused = await holder.http.get(f"{SESSIONS}/{session}")
        async with asyncio.timeout(5):
            body = b"".join([piece async for piece in tail.aiter_bytes()])

    assert refused.status_code == 401
    assert b"retry:" in body
    assert time.monotonic() - began < 5


async def test_c5_no_request_that_began_after_the_revocations_answer_succeeds(
    admin: Client, people: People, server: Server
) -> None:
    key = await made(admin)
    holder = people.client(key["key"])
    gate = asyncio.Semaphore(AT_ONCE)

    async def ask(number: int) -> tuple[float, int, str]:
        await asyncio.sleep(number / RACERS)
        async with gate:
            began = time.monotonic()
            answer = await holder.http.get(TENANT)
        return began, answer.status_code, answer.headers["x-request-id"]

    async def revoke() -> float:
        await asyncio.sleep(0.5)
        assert (await admin.http.delete(f"{KEYS}/{key['id']}")).status_code == 200
        return time.monotonic()

    racing = asyncio.gather(*(ask(number) for number in range(RACERS)))
    ended_at = await revoke()
    asked = await racing

    after = [answered for began, answered, _ in asked if began > ended_at]
    served = {request_id for _, answered, request_id in asked if answered == 200}
    assert after
    assert set(after) == {401}
    assert served
    # Each one that was served is on record with the key that it came with.
    lines = {line["request_id"]: line for line in await request_lines(server, served)}
    assert set(lines) == served
    assert {line["credential_id"] for line in lines.values()} == {key["id"]}
    assert {line["account_id"] for line in lines.values()} == {key["id"]}


async def test_c6_an_expired_key_and_the_keys_of_an_account_that_is_gone_are_refused(
    admin: Client, nobody: Client, tenant: Tenant, rows: Rows
) -> None:
    expired, first = await made(admin), await made(admin)
    second = (await admin.http.post(f"{KEYS}/{first['id']}/rotate")).json()["data"]
    inside = [await status(nobody, key["key"]) for key in (first, second)]

    await expire(rows, tenant.id, expired["id"])
    await expire(rows, tenant.id, first["id"])
    # An account is there as long as it has a key.
    await admin.http.delete(f"{KEYS}/{second['id']}")

    assert inside == [200, 200]
    assert [await status(nobody, key["key"]) for key in (expired, first, second)] == [401] * 3


async def test_c7_a_key_manages_no_keys(tenant: Tenant, people: People, admin: Client) -> None:
    key = await made(admin)
    holder = people.client(tenant.api_key)

    answers = [
        await holder.http.request(method, KEYS + path, json={"name": "x"})
        for method, path in (
            ("POST", ""),
            ("GET", ""),
            ("POST", f"/{key['id']}/rotate"),
            ("DELETE", f"/{key['id']}"),
        )
    ]

    assert {(a.status_code, a.json()["error"]["code"]) for a in answers} == {(403, "caller_not_allowed")}


async def test_c10_a_turn_outlives_the_account_that_asked_for_it(
    admin: Client, people: People, rows: Rows, tenant: Tenant
) -> None:
    agent_id = await rows.agent("scripted:tokens=40,delay_ms=25", tenant_id=tenant.id)
    key = await made(admin)
    holder = people.client(key["key"])
    session = await holder.open(agent_id=agent_id)
    accepted = await holder.say(session, "Hello")

    await admin.http.delete(f"{KEYS}/{key['id']}")
    refused = await holder.http.get(f"{SESSIONS}/{session}")
    turn = await admin.ended(session, accepted["chat_turn_id"])

    assert refused.status_code == 401
    assert turn["status"] == "COMPLETED"


async def test_the_log_of_a_caller_nobody_knows_names_nobody(nobody: Client, server: Server) -> None:
    theirs = str(uuid4())

    answer = await nobody.http.get(TENANT, headers={"x-request-id": theirs})

    [line] = await request_lines(server, {answer.headers["x-request-id"]})
    assert line["caller_request_id"] == theirs
    assert line["status"] == 401
    assert not {"account_id", "credential_id", "tenant_id"} & set(line)


async def request_lines(server: Server, request_ids: set[str]) -> list[dict[str, Any]]:
    """The log's lines of these requests, once all of them are written."""
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(20):
        while len(found) < len(request_ids):
            await asyncio.sleep(0.1)
            log = await asyncio.to_thread((server.data / "logs" / "server.log").read_text)
            lines = [json.loads(line) for line in log.splitlines() if '"event": "request"' in line]
            found = [line for line in lines if line["request_id"] in request_ids]
    return found


async def expire(rows: Rows, tenant_id: UUID, key_id: str) -> None:
    async with rows.database.transaction(tenant_id) as db:
        await db.execute(text("UPDATE api_keys SET expires_at = now() WHERE id = :id"), {"id": key_id})


def secret_of(server: Server) -> str:
    return Path(server.data / "secret").read_text().strip()
