"""Uploads that no message uses are removed, bytes and rows, and others are left alone."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import text

from neo.attachments import AttachmentStore, OrphanSweeper
from neo.blobs import BlobAccess, BlobLocation, BlobStore, BlobStoreUnavailable
from support.client import SESSIONS, Client
from support.images import image
from support.rows import Rows
from support.server import Server
from support.uploads import Upload, fetched, files_of, granted, put, uploaded

AT_ONCE, LATER = timedelta(0), timedelta(hours=1)


def sweeper(server: Server, rows: Rows, kept: timedelta) -> OrphanSweeper:
    blobs = BlobStore(BlobLocation.parse((server.data / "blobs").resolve().as_uri()), BlobAccess())
    return OrphanSweeper(rows.database, blobs, kept)


def file_of(server: Server, upload: Upload) -> Path:
    return server.data / "blobs" / upload.blob_path


async def test_an_unused_upload_goes_when_its_time_is_up(client: Client, rows: Rows, server: Server) -> None:
    session = await client.open()
    with_bytes, without = await uploaded(client, session, image()), await granted(client, session)

    await sweeper(server, rows, LATER).sweep()
    was_there = file_of(server, with_bytes).exists()
    removed = await sweeper(server, rows, AT_ONCE).sweep()

    refused = await client.post(session, "Look", attachments=[with_bytes.cited()])
    assert was_there
    assert removed >= 2
    assert not file_of(server, with_bytes).exists()
    assert refused.json()["error"]["code"] == "attachment_not_found"
    assert (await put(without, image())).status_code == 403


async def test_what_a_message_uses_stays(client: Client, rows: Rows, server: Server) -> None:
    session = await client.open()
    upload = await uploaded(client, session, image())
    accepted = await client.say(session, "Look", attachments=[upload.cited()])
    await client.ended(session, accepted["chat_turn_id"])

    await sweeper(server, rows, AT_ONCE).sweep()

    [file] = files_of(await client.messages(session))
    assert (await fetched(file["url"])).status_code == 200


async def test_an_upload_whose_pixels_are_stored_goes(client: Client, rows: Rows, server: Server) -> None:
    session = await client.open()
    upload = await uploaded(client, session, image())
    accepted = await client.say(session, "Look", attachments=[upload.cited()])
    await client.ended(session, accepted["chat_turn_id"])

    await sweeper(server, rows, AT_ONCE).sweep_spent(AT_ONCE)
    again = await sweeper(server, rows, AT_ONCE).sweep_spent(AT_ONCE)

    [file] = files_of(await client.messages(session))
    assert not file_of(server, upload).exists()
    assert (await fetched(file["url"])).status_code == 200
    assert again == 0


async def test_an_upload_whose_turn_ended_without_pixels_goes_and_is_no_longer_counted(
    client: Client, rows: Rows, server: Server, scripted: httpx2.AsyncClient
) -> None:
    session = await client.open(agent_id=await rows.agent("scripted:tokens=1,pause_after=1,gate=spent"))
    first = await client.say(session, "Hold on")
    cancelled, queued = [await uploaded(client, session, image()) for _ in range(2)]
    left = await client.say(session, "Look", attachments=[cancelled.cited()])
    await client.say(session, "Look", attachments=[queued.cited()])
    await client.http.post(f"{SESSIONS}/{session}/turns/{left['chat_turn_id']}/cancel")
    tenant = UUID(server.tenant_id)
    async with rows.database.transaction(tenant) as db:
        before = await AttachmentStore(db, tenant).kept_bytes()

    await sweeper(server, rows, AT_ONCE).sweep_spent(AT_ONCE)

    async with rows.database.transaction(tenant) as db:
        after = await AttachmentStore(db, tenant).kept_bytes()
    assert not file_of(server, cancelled).exists()
    assert file_of(server, queued).exists()
    assert before - after >= len(image())
    while (await client.turn(session, first["chat_turn_id"]))["status"] != "COMPLETED":
        await scripted.post("/control/release", params={"gate": "spent"})


async def test_another_tenants_uploads_are_swept_too(client: Client, rows: Rows, server: Server) -> None:
    tenant = await rows.tenant()
    other = Client(str(client.http.base_url), tenant.api_key)
    upload = await uploaded(other, await other.open(), image())

    await sweeper(server, rows, AT_ONCE).sweep()

    assert not file_of(server, upload).exists()
    await other.http.aclose()


async def test_the_rounds_go_on_by_themselves(client: Client, rows: Rows, server: Server) -> None:
    upload = await uploaded(client, await client.open(), image())
    sweeping = asyncio.create_task(replace(sweeper(server, rows, AT_ONCE), pause_seconds=0.02).run())

    async with asyncio.timeout(10):
        while file_of(server, upload).exists():
            await asyncio.sleep(0.02)

    sweeping.cancel()


async def test_bytes_that_cannot_be_removed_keep_their_row(
    client: Client, rows: Rows, server: Server
) -> None:
    await sweeper(server, rows, AT_ONCE).sweep()
    upload = await granted(client, await client.open())
    away = BlobStore(
        BlobLocation.parse("s3://bucket"),
        BlobAccess(endpoint="http://127.0.0.1:1", s3_key_id="a", s3_key="b"),
    )

    with pytest.raises(BlobStoreUnavailable):
        await OrphanSweeper(rows.database, away, AT_ONCE).sweep()

    async with rows.owner.without_tenant() as owner:
        kept = await owner.scalar(
            text("SELECT count(*) FROM attachments WHERE blob_path = :path"), {"path": upload.blob_path}
        )
    assert kept == 1
    assert await sweeper(server, rows, AT_ONCE).sweep() == 1
