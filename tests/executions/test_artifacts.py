"""What a call brought is kept whole, found by who may read its session, read by a signed URL, and removed in time."""

import hashlib
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import text

from neo.attachments import AttachmentStore
from neo.blobs import BlobAccess, BlobLocation, BlobStore
from neo.calls import Artifacts, ArtifactSweeper
from support.client import Client
from support.people import People
from support.rows import Rows
from support.server import Server

WHOLE = b'{"rows": [' + b"1, " * 20_000 + b"1]}"
EXPIRE = text("UPDATE artifacts SET expires_at = now() - interval '1 s' WHERE id = :id")


@dataclass(frozen=True)
class Called:
    """A turn with a call of a tool, of a tenant of its own."""

    account: Client
    tenant_id: UUID
    turn_id: UUID
    call_id: str

    @property
    def path(self) -> str:
        return f"/public-api/executions/{self.turn_id}/artifacts"

    async def listed(self) -> list[dict[str, Any]]:
        answer = await self.account.http.get(self.path)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["data"])


@pytest.fixture
async def called(people: People, rows: Rows) -> Called:
    tenant = await rows.tenant()
    account = people.client(tenant.api_key)
    agent = await rows.agent("scripted:tokens=1,tool=look_up", tenant_id=tenant.id)
    session = await account.open(agent_id=agent)
    accepted = await account.say(session, "Look it up")
    await account.ended(session, accepted["chat_turn_id"])
    parts = (await account.messages(session))["messages"][1]["parts"]
    call_id = next(part["toolCallId"] for part in parts if part["type"] == "dynamic-tool")
    return Called(account, tenant.id, UUID(accepted["chat_turn_id"]), call_id)


@pytest.fixture
def blobs(server: Server) -> BlobStore:
    return BlobStore(BlobLocation.parse((server.data / "blobs").resolve().as_uri()), BlobAccess())


async def keep(called: Called, artifacts: Artifacts, media_type: str = "application/json") -> UUID | None:
    return await artifacts.keep(
        called.tenant_id, called.turn_id, called.call_id, WHOLE, media_type, name="look up/../rows"
    )


async def test_an_artifact_is_listed_and_downloaded_whole(
    called: Called, rows: Rows, blobs: BlobStore
) -> None:
    kept = await keep(called, Artifacts(rows.database, blobs))

    [listed] = await called.listed()
    alone = (await called.account.http.get(f"{called.path}/{kept}")).json()["data"]
    async with httpx2.AsyncClient(trust_env=False, verify=False) as anybody:
        read = await anybody.get(listed["download_url"])
        changed = await anybody.get(listed["download_url"].replace("rows.json", "rows.html"))
    assert (listed["id"], listed["call_id"], listed["kind"]) == (str(kept), called.call_id, "FILE")
    assert (listed["filename"], listed["mime"]) == ("rows.json", "application/json")
    assert (listed["size_bytes"], listed["sha256"]) == (len(WHOLE), hashlib.sha256(WHOLE).hexdigest())
    assert read.content == WHOLE
    assert read.headers["content-disposition"].startswith('attachment; filename="rows.json"')
    assert changed.status_code == 403
    assert alone["id"] == str(kept)


async def test_pages_of_artifacts_go_on_where_the_last_ended(
    called: Called, rows: Rows, blobs: BlobStore
) -> None:
    kept = [str(await keep(called, Artifacts(rows.database, blobs))) for _ in range(3)]

    first = (await called.account.http.get(called.path, params={"page_size": 2})).json()
    cursor = first["meta"]["pagination"]["next_cursor"]
    rest = (await called.account.http.get(called.path, params={"cursor": cursor})).json()

    assert [one["id"] for one in first["data"] + rest["data"]] == kept[::-1]


@pytest.mark.parametrize("role", ["User", "Admin"])
async def test_an_artifact_is_read_by_who_reads_its_session(
    called: Called, rows: Rows, blobs: BlobStore, people: People, role: str
) -> None:
    kept = await keep(called, Artifacts(rows.database, blobs))
    _, person = await people.join(called.tenant_id, role)

    answers = [await person.http.get(path) for path in (called.path, f"{called.path}/{kept}")]

    assert [answer.status_code for answer in answers] == ([200, 200] if role == "Admin" else [404, 404])
    if role == "User":
        assert answers[0].json()["error"]["code"] == "execution_not_found"


async def test_an_artifact_counts_as_stored_and_a_full_tenant_keeps_none(
    called: Called, rows: Rows, blobs: BlobStore
) -> None:
    has_room, is_full = (
        Artifacts(rows.database, blobs, len(WHOLE) + 10),
        Artifacts(rows.database, blobs, len(WHOLE)),
    )

    kept = await keep(called, has_room)
    second = await keep(called, is_full)

    async with rows.database.transaction(called.tenant_id) as db:
        assert await AttachmentStore(db, called.tenant_id).kept_bytes() == len(WHOLE)
    assert kept is not None
    assert second is None


ASKED_BY = text("UPDATE chat_turns SET author_kind = :kind, author_id = :author WHERE id = :turn")


@pytest.mark.parametrize(
    ("kind", "role", "percent"),
    [
        ("end_user", None, 75),
        ("service_account", None, 100),
        ("technician", "User", 100),
        ("technician", "Admin", 110),
    ],
)
async def test_an_artifact_is_kept_within_the_share_of_who_asked(
    called: Called, rows: Rows, blobs: BlobStore, people: People, kind: str, role: str | None, percent: int
) -> None:
    author = (await people.join(called.tenant_id, role))[0] if role else None
    async with rows.owner.transaction(called.tenant_id) as owner:
        await owner.execute(ASKED_BY, {"kind": kind, "author": author, "turn": called.turn_id})
    most = len(WHOLE) * 100 // percent

    has_room = await keep(called, Artifacts(rows.database, blobs, most + 1))
    async with rows.owner.transaction(called.tenant_id) as owner:
        await owner.execute(text("DELETE FROM artifacts WHERE id = :id"), {"id": has_room})
    is_full = await keep(called, Artifacts(rows.database, blobs, most - 1))

    assert has_room is not None
    assert is_full is None


async def test_without_a_store_that_answers_there_is_no_artifact(
    called: Called, rows: Rows, server: Server
) -> None:
    (server.data / "no-folder").touch()
    broken = BlobStore(BlobLocation.parse((server.data / "no-folder" / "x").as_uri()), BlobAccess())

    kept = [await keep(called, Artifacts(rows.database, store)) for store in (None, broken)]

    assert kept == [None, None]
    assert await called.listed() == []


@pytest.mark.parametrize("claimed", ["text/html; charset=x", "x\0y", "../etc", "a/b\r\nx: y"])
async def test_what_a_server_calls_its_bytes_is_a_types_name_or_nothing(
    called: Called, rows: Rows, blobs: BlobStore, claimed: str
) -> None:
    await keep(called, Artifacts(rows.database, blobs), claimed)

    [listed] = await called.listed()
    assert listed["mime"] == ("text/html" if "html" in claimed else "application/octet-stream")


async def test_an_artifact_goes_with_its_bytes_when_its_time_is_over(
    called: Called, rows: Rows, blobs: BlobStore
) -> None:
    old, new = [await keep(called, Artifacts(rows.database, blobs)) for _ in range(2)]
    [newer, older] = await called.listed()
    async with rows.owner.transaction(called.tenant_id) as owner:
        await owner.execute(EXPIRE, {"id": old})
    is_shown = [one["id"] for one in await called.listed()]

    await ArtifactSweeper(rows.database, blobs).sweep()

    gone = await called.account.http.get(f"{called.path}/{old}")
    async with httpx2.AsyncClient(trust_env=False, verify=False) as anybody:
        read = [(await anybody.get(one["download_url"])).status_code for one in (older, newer)]
    async with rows.database.transaction(called.tenant_id) as db:
        assert await AttachmentStore(db, called.tenant_id).kept_bytes() == len(WHOLE)
    assert is_shown == [str(new)]
    assert (gone.status_code, gone.json()["error"]["code"]) == (404, "artifact_not_found")
    assert read == [404, 200]
