"""Who loses their rights while the body of their request comes in has lost them for that request."""

import pytest

from contract.door_objects import Ids
from contract.door_table import DOORS
from support.client import SESSIONS, Client
from support.document import DOCUMENT
from support.people import People
from support.rows import Rows, Tenant
from support.server import Server
from support.slow_request import slow_request

WITH_A_BODY = [
    (method, path)
    for path, methods in DOCUMENT["paths"].items()
    for method, described in methods.items()
    if "requestBody" in described and (method, path) in DOORS
]
MINT = "/public-api/sessions"


@pytest.fixture(scope="module")
async def tenant(rows: Rows) -> Tenant:
    return await rows.tenant("Slow senders")


@pytest.mark.parametrize(("method", "path"), WITH_A_BODY)
async def test_who_is_shut_out_while_the_body_comes_in_is_refused_at_every_door(
    server: Server, rows: Rows, people: People, tenant: Tenant, method: str, path: str
) -> None:
    is_for_people = "Admin" in DOORS[method, path]
    oid, _ = await people.join(tenant.id, "Admin")
    platform = await rows.platform()
    token = await people.token(tenant.id, oid) if is_for_people else platform.api_key
    body = {"name": "x"}

    async with slow_request(server, token, method, path.format_map(Ids()), body) as request:
        await people.lock_out(tenant.id, oid)
        await rows.revoke_keys(platform.id)
        told = await request.finish()

    assert told == ((403, "technician_inactive") if is_for_people else (401, "unauthenticated"))


async def test_an_admin_who_is_locked_out_while_they_write_does_not_let_themselves_in_again(
    server: Server, people: People, tenant: Tenant
) -> None:
    oid, _ = await people.join(tenant.id, "Admin")
    _, other = await people.join(tenant.id, "Admin")
    path, body = f"/public-api/technicians/{oid}", {"is_active": True, "role": "Admin"}

    async with slow_request(server, await people.token(tenant.id, oid), "patch", path, body) as request:
        await other.http.patch(path, json={"is_active": False, "role": "Viewer"})
        told = await request.finish()

    shown = (await other.http.get(path)).json()["data"]
    assert told == (403, "technician_inactive")
    assert (shown["is_active"], shown["role"]) == (False, "Viewer")


async def test_an_admin_who_is_lowered_while_they_write_writes_as_nobody(
    server: Server, people: People, tenant: Tenant
) -> None:
    oid, _ = await people.join(tenant.id, "Admin")
    _, other = await people.join(tenant.id, "Admin")
    token = await people.token(tenant.id, oid)

    async with slow_request(server, token, "post", "/public-api/api-keys", {"name": "mine"}) as request:
        await other.http.patch(f"/public-api/technicians/{oid}", json={"role": "User"})
        told = await request.finish()

    assert told == (403, "caller_changed")


async def test_a_session_token_that_is_revoked_while_a_message_comes_in_posts_nothing(
    server: Server, client: Client
) -> None:
    session = await client.open()
    minted = (await client.http.post(MINT, json={"session_id": session})).json()["data"]
    path = f"{SESSIONS}/{session}/messages"

    async with slow_request(server, minted["token"], "post", path, {"message": "late"}) as request:
        await client.http.delete(f"{MINT}/tokens/{minted['jti']}")
        told = await request.finish()

    assert told == (401, "unauthenticated")
    assert (await client.messages(session))["messages"] == []


async def test_a_tenant_that_is_suspended_while_its_relayed_message_comes_in_takes_none(
    server: Server, rows: Rows, people: People
) -> None:
    acted_for, platform = await rows.tenant("Acted for"), await rows.platform()
    session = await people.client(platform.api_key).open(client_id=str(acted_for.id))
    path = f"{SESSIONS}/{session}/messages"

    async with slow_request(server, platform.api_key, "post", path, {"message": "late"}) as request:
        await rows.suspend(acted_for.id)
        told = await request.finish()

    assert told == (403, "tenant_suspended")
