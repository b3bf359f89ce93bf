"""The codes of the API and of turns that no feature's own test provokes."""

import asyncio
from uuid import uuid4

import httpx2
import pytest

from neo.access import UrlSigner
from support.client import SESSIONS, Client
from support.people import People
from support.rows import Rows, Tenant
from support.server import Server
from support.uploads import granted

NOWHERE = str(uuid4())
AGENTS = "/public-api/agents"
MINT = "/public-api/sessions"
LOG_SECONDS = 10


def told(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@pytest.fixture
async def tenant(rows: Rows) -> Tenant:
    return await rows.tenant()


@pytest.fixture
async def own(people: People, tenant: Tenant) -> Client:
    return people.client(tenant.api_key)


@pytest.fixture
async def relay(people: People, rows: Rows) -> Client:
    return people.client((await rows.platform()).api_key)


async def test_a_turn_that_is_not_there(client: Client) -> None:
    session = await client.open()

    for turn in (NOWHERE, "1"):
        assert told(await client.http.get(f"{SESSIONS}/{session}/turns/{turn}")) == (404, "turn_not_found")


async def test_an_admin_does_not_write_to_anothers_session(people: People, tenant: Tenant) -> None:
    _, user = await people.join(tenant.id, "User")
    _, admin = await people.join(tenant.id, "Admin")
    session = await user.open()

    assert told(await admin.post(session, "Hello")) == (403, "session_not_yours")


async def test_a_session_of_a_deleted_agent_takes_no_more_messages(own: Client) -> None:
    made = await own.http.post(AGENTS, json={"autonomy_type": "CONVERSATIONAL", "name": "Brief"})
    agent = made.json()["data"]["id"]
    session = await own.open(agent_id=agent)
    await own.http.delete(f"{AGENTS}/{agent}")

    assert told(await own.post(session, "Hello")) == (409, "agent_deleted")


async def test_a_token_without_the_scope_and_one_of_another_application(
    people: People, tenant: Tenant
) -> None:
    of_an_application = people.client(await people.token(tenant.id, uuid4(), "scp"))
    of_another = people.client(await people.token(tenant.id, uuid4(), azp=NOWHERE))

    assert told(await of_an_application.http.get(SESSIONS)) == (403, "delegated_token_needed")
    assert told(await of_another.http.get(SESSIONS)) == (403, "client_application_not_allowed")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"managed_agent_key": "NEO_SUPPORT"}, 422, "client_id_required"),
        ({"client_id": NOWHERE}, 404, "tenant_not_found"),
        ({"bot_id": "28:bot"}, 422, "routing_field_invalid"),
        ({"inbound_tenant_id": "common"}, 422, "routing_field_invalid"),
    ],
)
async def test_a_relayed_session_that_leads_nowhere(
    relay: Client, body: dict[str, str], status: int, code: str
) -> None:
    assert told(await relay.http.post(SESSIONS, json=body)) == (status, code)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"end_user": "x" * 321}, "end_user_invalid"),
        ({"end_user_email": "a\u202eb"}, "end_user_invalid"),
        ({"ttl_seconds": 0}, "ttl_seconds_invalid"),
    ],
)
async def test_a_session_token_that_cannot_be(client: Client, body: dict[str, object], code: str) -> None:
    session = await client.open()

    assert told(await client.http.post(MINT, json={"session_id": session, **body})) == (422, code)


async def test_nothing_is_stored_where_a_signed_url_leads(client: Client, server: Server) -> None:
    signer = UrlSigner(((server.data / "secret").read_text().strip(),))
    named = f"{NOWHERE}/{NOWHERE}/{NOWHERE}/image"
    query = signer.sign("read", named, seconds=60)

    answer = await client.http.get(f"/public-api/blobs/{named}?{query}")

    assert told(answer) == (404, "blob_not_found")


async def test_an_upload_that_breaks_off_stores_nothing(client: Client, server: Server) -> None:
    session = await client.open()
    upload = await granted(client, session)
    _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    path = upload.url.removeprefix(server.url)

    writer.write(
        f"PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: 100\r\n\r\nhalf".encode()
    )
    await writer.drain()
    writer.close()

    # Whoever has gone hears no refusal: the log has it.
    async with asyncio.timeout(LOG_SECONDS):
        while "upload_broken" not in server.log():
            await asyncio.sleep(0.05)
    answer = await client.post(session, "Look", attachments=[upload.cited()])
    assert told(answer) == (422, "attachment_not_uploaded")
