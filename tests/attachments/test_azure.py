"""A server that keeps its attachments in Azure Blob Storage, with small quotas and a model that cannot see."""

import hashlib
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import select

from llm.asking import model_server
from neo.attachments import Attachment, OrphanSweeper
from support.azurite import Azurite
from support.client import Client
from support.images import image, opened, with_place
from support.rows import Rows
from support.server import Server
from support.uploads import ask_grant, fetched, files_of, granted, put, uploaded

UNUSED_MAX = 3
BYTES_MAX = 20_000


@pytest.fixture(scope="module")
def local_url() -> Iterator[str]:
    with model_server("neo.engines.scripted_model") as url:
        yield url


@pytest.fixture(scope="module")
async def azure(
    azurite: Azurite, local_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Server]:
    environment = {
        **azurite.environment,
        "NEO_MODEL_FAST": "scripted-chat:tokens=3",
        "NEO_MODEL_SMART": "local:tokens=3",
        "NEO_LOCAL_MODEL_URL": local_url,
        "NEO_UPLOADS_UNUSED_MAX": str(UNUSED_MAX),
        "NEO_STORAGE_BYTES_MAX": str(BYTES_MAX),
    }
    server = await Server(tmp_path_factory.mktemp("azure") / "data", environment).start()
    yield server
    await server.stop()
    server.remove()


@pytest.fixture
async def tenant(azure: Server) -> AsyncIterator[Client]:
    """A tenant of its own for each test: quotas are the tenant's."""
    rows = Rows(azure)
    client = Client(azure.url, (await rows.tenant()).api_key)
    yield client
    await client.http.aclose()
    await rows.aclose()


async def test_bytes_go_to_azure_and_come_back_as_pixels(tenant: Client, azurite: Azurite) -> None:
    session = await tenant.open()
    upload = await uploaded(tenant, session, with_place(), "image/jpeg", filename="IMG.jpg")
    async with httpx2.AsyncClient(trust_env=False, verify=False) as http:
        too_bare = await http.put(upload.url, content=b"x")

    accepted = await tenant.say(session, "Look", attachments=[upload.cited()])
    turn = await tenant.ended(session, accepted["chat_turn_id"])

    [file] = files_of(await tenant.messages(session))
    answer = await fetched(file["url"])
    assert upload.url.startswith(azurite.endpoint)
    assert too_bare.status_code == 400
    assert turn["status"] == "COMPLETED", turn["error"]
    assert file["url"].startswith(f"{azurite.endpoint}/attachments/")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert answer.headers["content-disposition"] == "attachment"
    assert opened(answer.content).size == (30, 40)
    assert dict(opened(answer.content).getexif()) == {}


async def test_an_upload_without_pixels_is_shown_to_nobody(tenant: Client) -> None:
    session = await tenant.open()
    whole = image("PNG", (300, 300), compress_level=0)
    upload = await granted(tenant, session)
    await put(upload, whole[:9_000], **{"x-ms-blob-content-type": "text/html"})
    accepted = await tenant.say(session, "Look", attachments=[upload.cited()])
    failed = await tenant.ended(session, accepted["chat_turn_id"])

    [file] = files_of(await tenant.messages(session))

    assert failed["error"]["code"] == "attachment_invalid"
    assert file["url"] == ""


async def test_g11_what_azure_took_beyond_the_limit_is_refused_with_the_message(tenant: Client) -> None:
    session = await tenant.open()
    upload = await uploaded(tenant, session, image() + bytes(10_485_760))

    answer = await tenant.post(session, "Look", attachments=[upload.cited()])

    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "attachment_too_large")


async def test_what_azure_took_and_no_message_is_counted_and_deleted_if_too_large(
    tenant: Client, azure: Server, azurite: Azurite
) -> None:
    session = await tenant.open()
    small, large = [await granted(tenant, session) for _ in range(2)]
    await put(small, image())
    await put(large, image() + bytes(10_485_760))
    rows = Rows(azure)

    await OrphanSweeper(rows.database, azurite.store(), timedelta(days=1)).sweep_unseen(timedelta(0))

    sizes = select(Attachment.blob_path, Attachment.size_bytes).order_by(Attachment.size_bytes.desc())
    async with rows.database.transaction(UUID(small.blob_path.split("/")[0])) as db:
        found = (await db.execute(sizes)).all()
    await rows.aclose()
    assert [tuple(one) for one in found] == [(small.blob_path, len(image())), (large.blob_path, 0)]
    assert await azurite.store().size(large.blob_path) is None


async def test_g13_unused_grants_are_bounded_and_used_ones_do_not_count(tenant: Client) -> None:
    session = await tenant.open()
    first = await uploaded(tenant, session, image())
    for _ in range(UNUSED_MAX - 1):
        await granted(tenant, session)

    full = await ask_grant(tenant, session)
    await tenant.say(session, "Look", attachments=[first.cited()])
    room = await ask_grant(tenant, session)

    assert (full.status_code, full.json()["error"]["code"]) == (429, "upload_quota_exceeded")
    assert full.headers["retry-after"] == "3600"
    assert room.status_code == 200


async def test_g13_kept_bytes_are_bounded(tenant: Client) -> None:
    session = await tenant.open()
    large = image("PNG", (90, 90), compress_level=0)
    assert len(large) > BYTES_MAX
    beyond = await uploaded(tenant, session, large[: BYTES_MAX + 1000])
    all_of_it = await uploaded(tenant, session, large[:BYTES_MAX])

    refused = await tenant.post(session, "Look", attachments=[beyond.cited()])
    accepted = await tenant.say(session, "Look", attachments=[all_of_it.cited()])
    full = await ask_grant(tenant, session)
    await tenant.ended(session, accepted["chat_turn_id"])

    for answer in (refused, full):
        assert (answer.status_code, answer.json()["error"]["code"]) == (429, "upload_quota_exceeded")


async def test_a_model_that_cannot_see_refuses_new_images_and_is_told_of_earlier_ones(
    tenant: Client, local_url: str
) -> None:
    session = await tenant.open()
    seen = await uploaded(tenant, session, image())
    first = await tenant.say(session, "Look", attachments=[seen.cited()])
    await tenant.ended(session, first["chat_turn_id"])
    unseen = await uploaded(tenant, session, image())

    blind = await tenant.say(session, "And this?", model_tier="SMART", attachments=[unseen.cited()])
    failed = await tenant.ended(session, blind["chat_turn_id"])
    told = await tenant.say(session, "What did I show you?", model_tier="SMART")
    answered = await tenant.ended(session, told["chat_turn_id"])

    async with httpx2.AsyncClient(trust_env=False, verify=False) as http:
        [call] = (await http.get(f"{local_url}/control/calls")).json()["calls"]
    assert failed["error"]["code"] == "images_not_supported"
    assert answered["status"] == "COMPLETED", answered["error"]
    assert (call["images"], call["text"]) == ([], "What did I show you?")
    assert answered["usage"]["input_tokens"] > 0


async def test_what_is_kept_is_what_the_row_says(tenant: Client, azure: Server, azurite: Azurite) -> None:
    session = await tenant.open()
    upload = await uploaded(tenant, session, image())
    accepted = await tenant.say(session, "Look", attachments=[upload.cited()])
    await tenant.ended(session, accepted["chat_turn_id"])
    attachment_id = UUID(upload.blob_path.rpartition("/")[2])
    kept = f"{upload.blob_path.rpartition('/')[0]}/normalised/{attachment_id}"

    blob = await azurite.store().read(kept, bytes_max=100_000)

    shown = (await fetched(files_of(await tenant.messages(session))[0]["url"])).content
    assert hashlib.sha256(blob.data).digest() == hashlib.sha256(shown).digest()
