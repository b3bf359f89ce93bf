"""Bytes on their way to a signed URL: bounded at once, cut when they drip, refused when what was granted is over."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text

import neo.attachments.transfers
from neo.attachments.errors import TransfersFull, UploadBroken
from neo.attachments.limits import IMAGE_BYTES_MAX
from neo.attachments.transfers import (
    PACE_BYTES_MIN,
    SESSION_UPLOADS_MAX,
    Transfers,
    TransfersMax,
    Whose,
    received,
)
from support.client import SESSIONS, Client
from support.images import image
from support.people import People
from support.rows import Rows, Tenant
from support.server import Server
from support.uploads import CONTINUE, ask_grant, granted, held, put

TENANT_MAX = 16
END_USERS_MAX = 12
ADMINS_MAX = 18
HELD = 40
SENT = 4 * 1024 * 1024
SESSION_GRANTS_MAX = 50
# Three quarters of what the session may have, rounded up: the rest is for whoever looks after it.
END_USER_GRANTS_MAX = -(-SESSION_GRANTS_MAX * 3 // 4)
GRANTS_MAX = 1000
PACE_SECONDS = 0.2
FILL = text(
    "INSERT INTO attachments (id, tenant_id, session_id, blob_path, mime) "
    "SELECT gen_random_uuid(), tenant_id, session_id, blob_path || gen_random_uuid(), mime "
    "FROM attachments, generate_series(1, :rows) WHERE blob_path = :like"
)


@asynccontextmanager
async def tenant_of(rows: Rows, server: Server) -> AsyncIterator[tuple[Tenant, Client]]:
    tenant = await rows.tenant()
    client = Client(server.url, tenant.api_key)
    yield tenant, client
    await client.http.aclose()


async def minted(client: Client, session: str) -> Client:
    answer = await client.http.post("/public-api/sessions", json={"session_id": session})
    return Client(str(client.http.base_url), answer.json()["data"]["token"])


def arriving_bytes(server: Server) -> int:
    return sum(file.stat().st_size for file in (server.data / "blobs" / ".incoming").glob("*"))


async def arrived(server: Server, size: int) -> None:
    """The server has taken so many bytes, but for what its file still buffers."""
    async with asyncio.timeout(20):
        while arriving_bytes(server) < size * 0.98:
            await asyncio.sleep(0.02)


def rss_bytes(server: Server) -> int:
    pages = int(Path(f"/proc/{server.pids['server']}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


async def test_held_uploads_take_places_and_no_memory_and_leave_the_admin_theirs(
    server: Server, rows: Rows, people: People
) -> None:
    async with tenant_of(rows, server) as (tenant, client), AsyncExitStack() as stack:
        _, admin = await people.join(tenant.id, "Admin")
        of_admin = [await granted(admin, await admin.open()) for _ in range(ADMINS_MAX - TENANT_MAX)]
        uploads = [await granted(client, await client.open()) for _ in range(HELD)]
        before = rss_bytes(server)

        found = [await stack.enter_async_context(held(one, bytes(SENT))) for one in uploads]
        await arrived(server, TENANT_MAX * SENT)
        grown = rss_bytes(server) - before
        by_admin = [await put(one, image()) for one in of_admin]

    told = [status for status, *_ in found]
    assert (told.count(CONTINUE), told.count(429)) == (TENANT_MAX, HELD - TENANT_MAX)
    assert {one.status_code for one in by_admin} == {201}
    assert grown < TENANT_MAX * SENT / 3


async def test_a_refusal_says_when_to_come_back(server: Server, client: Client) -> None:
    upload = await granted(client, await client.open())

    async with held(upload) as (first, *_):
        second = await put(upload, bytes(IMAGE_BYTES_MAX))

    assert (first, second.status_code) == (CONTINUE, 429)
    assert second.json()["error"]["code"] == "too_many_transfers"
    assert int(second.headers["retry-after"]) > 0
    # Who held it has gone.
    async with asyncio.timeout(10):
        while (await put(upload, image())).status_code != 201:
            await asyncio.sleep(0.02)


async def test_a_session_and_its_end_users_leave_the_others_places(server: Server, rows: Rows) -> None:
    async with tenant_of(rows, server) as (_, client), AsyncExitStack() as stack:
        sessions = [await client.open() for _ in range(4)]
        end_users = [await minted(client, session) for session in sessions]
        uploads = [
            await granted(user, session)
            for user, session in zip(end_users, sessions, strict=True)
            for _ in range(SESSION_UPLOADS_MAX + 1)
        ]
        own = await granted(client, await client.open())

        found = [(await stack.enter_async_context(held(one)))[0] for one in uploads]
        by_key = await put(own, image())
        for user in end_users:
            await user.http.aclose()

    one_session = [CONTINUE] * SESSION_UPLOADS_MAX + [429]
    assert found[: 2 * len(one_session)] == one_session * 2
    assert found.count(CONTINUE) == END_USERS_MAX
    assert by_key.status_code == 201


@pytest.mark.parametrize("how", ["archived", "token", "key", "locked out", "suspended", "used"])
async def test_an_upload_url_ends_with_what_it_was_granted_for(
    server: Server, rows: Rows, people: People, how: str
) -> None:
    async with tenant_of(rows, server) as (tenant, client):
        session = await client.open()
        asking = client
        if how == "token":
            asking = await minted(client, session)
        elif how == "locked out":
            oid, asking = await people.join(tenant.id, "User")
            session = await asking.open()
        upload = await granted(asking, session)
        assert (await put(upload, image())).status_code == 201

        if how == "archived":
            await client.http.post(f"{SESSIONS}/{session}/archive")
        elif how == "token":
            await client.http.delete("/public-api/sessions/tokens", params={"session_id": session})
        elif how == "key":
            await rows.revoke_keys(tenant.id)
        elif how == "locked out":
            await people.lock_out(tenant.id, oid)
        elif how == "suspended":
            await rows.suspend(tenant.id)
        else:
            await client.say(session, "Look", attachments=[upload.cited()])
        late = await put(upload, image())
        if how == "token":
            await asking.http.aclose()

    assert (late.status_code, late.json()["error"]["code"]) == (403, "invalid_signature")


async def test_an_upload_under_way_ends_with_its_session_and_leaves_nothing(
    server: Server, client: Client
) -> None:
    session = await client.open()
    upload = await granted(client, session)

    async with held(upload, bytes(IMAGE_BYTES_MAX - 1)) as (status, reader, writer):
        await arrived(server, IMAGE_BYTES_MAX - 1)
        await client.http.post(f"{SESSIONS}/{session}/archive")
        writer.write(b"x")
        await reader.readuntil(b"\r\n\r\n")
        answer = await reader.read()

    assert status == 100
    assert json.loads(answer)["error"]["code"] == "invalid_signature"
    assert not (server.data / "blobs" / upload.blob_path).exists()
    assert arriving_bytes(server) == 0


async def test_bytes_that_drip_are_cut_and_slow_ones_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neo.attachments.transfers, "PACE_SECONDS", PACE_SECONDS)
    taken = bytearray()

    async def take(piece: bytes) -> None:
        taken.extend(piece)

    async def pieces(size: int) -> AsyncIterator[bytes]:
        for _ in range(6):
            yield bytes(size)
            await asyncio.sleep(PACE_SECONDS / 2)

    assert await received(pieces(PACE_BYTES_MIN), take) == 6 * PACE_BYTES_MIN == len(taken)
    with pytest.raises(UploadBroken):
        await received(pieces(PACE_BYTES_MIN // 10), take)


async def test_the_first_of_a_tenant_has_a_place_where_others_have_all() -> None:
    transfers = Transfers(TransfersMax(session=0, tenant=0, process=8))
    busy, calm = uuid4(), uuid4()
    for _ in range(8):
        transfers.permit_for(Whose(busy, uuid4()))

    with pytest.raises(TransfersFull) as refused:
        transfers.permit_for(Whose(busy, uuid4()))
    assert refused.value.code == "transfers_full"
    with transfers.permit_for(Whose(calm, uuid4())):
        pass


async def test_an_end_user_who_asks_for_grants_without_end_leaves_the_others_theirs(
    server: Server, rows: Rows, people: People
) -> None:
    async with tenant_of(rows, server) as (tenant, client):
        session = await client.open()
        end_user = await minted(client, session)
        _, admin = await people.join(tenant.id, "Admin")

        asked = [await ask_grant(end_user, session) for _ in range(END_USER_GRANTS_MAX + 1)]
        own = await granted(client, await client.open())
        # As if many end users had done so.
        async with rows.database.transaction(tenant.id) as db:
            await db.execute(
                FILL, {"rows": GRANTS_MAX * 3 // 4 - END_USER_GRANTS_MAX - 1, "like": own.blob_path}
            )
        other_session = await client.open()
        other_user = await minted(client, other_session)
        by_end_user, by_key = (
            await ask_grant(other_user, other_session),
            await ask_grant(client, other_session),
        )
        async with rows.database.transaction(tenant.id) as db:
            await db.execute(FILL, {"rows": GRANTS_MAX // 4 - 1, "like": own.blob_path})
        refused, by_admin = await ask_grant(client, other_session), await ask_grant(admin, await admin.open())
        async with rows.database.transaction(tenant.id) as db:
            await db.execute(text("DELETE FROM attachments"))
        for user in (end_user, other_user):
            await user.http.aclose()

    assert [one.status_code for one in asked] == [200] * END_USER_GRANTS_MAX + [429]
    assert asked[-1].json()["error"]["code"] == "upload_quota_exceeded"
    assert int(asked[-1].headers["retry-after"]) > 0
    assert [one.status_code for one in (by_end_user, by_key, refused, by_admin)] == [429, 200, 429, 200]
