"""Whose a bot is: the operator or the platform says so, and nobody gets a chat by writing its id down."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from channels.desk import CHANNELS, Desk, code
from neo.access import Operator
from neo.agents import Audience
from neo.channels import BotDesk, Channel, ChannelInstall
from neo.channels.bots.allowed import may_use_bot
from neo.db import call_within
from support.client import SESSIONS, Client
from support.people import People
from support.rows import Rows, Tenant
from support.server import Server

NOT_GRANTED = (409, "bot_not_granted")
COMPANIES = "/public-api/end-companies"
IS_WAITED_FOR = text("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE :pid = ANY (pg_blocking_pids(pid)))")
WAIT_SECONDS = 5


class Relay:
    """The platform's relay, which is also who grants bots over the API."""

    def __init__(self, client: Client, platform: Tenant) -> None:
        self.http = client.http
        self.platform = platform

    async def opened(self, **said: object) -> httpx2.Response:
        return await self.http.post(SESSIONS, json={name: str(value) for name, value in said.items()})

    async def grant(self, tenant_id: object, bot_id: object) -> httpx2.Response:
        return await self.http.put(f"/public-api/tenants/{tenant_id}/bots/{bot_id}")

    async def revoke(self, tenant_id: object, bot_id: object) -> httpx2.Response:
        return await self.http.delete(f"/public-api/tenants/{tenant_id}/bots/{bot_id}")


@pytest.fixture
async def relay(server: Server, rows: Rows) -> AsyncIterator[Relay]:
    platform = await rows.platform()
    client = Client(server.url, platform.api_key)
    yield Relay(client, platform)
    await client.http.aclose()


async def link(desk: Desk, end_client: object) -> None:
    company = {
        "psa_company_id": f"c-{uuid4()}",
        "psa_company_name": "A customer",
        "tenant_id": str(end_client),
    }
    assert (await desk.client.http.post(COMPANIES, json=company)).status_code == 200


async def written(desk: Desk, bot_id: object, *, installed: object) -> None:
    """A white-label channel of a bot that was never granted, as the application's role can write it."""
    row = {"tenant_id": desk.tenant_id, "agent_id": desk.white_label, "internal_name": "Taken"}
    channel = {**row, "id": uuid4(), "bot_id": bot_id, "audience": "END_USER", "transport": "TEAMS"}
    install = {"tenant_id": desk.tenant_id, "channel_id": channel["id"], "end_client_tenant_id": installed}
    async with desk.rows.database.transaction(desk.tenant_id) as db:
        await db.execute(insert(Channel).values(channel))
        await db.execute(insert(ChannelInstall).values(install))


async def acts_for(answer: httpx2.Response) -> tuple[str, int]:
    data = answer.json()["data"]
    return data["client_id"], data["agent_id"]


async def test_one_tenant_does_not_take_over_what_the_relay_sends_for_another(
    desk: Desk, other: Desk, relay: Relay, people: People
) -> None:
    """The attack in its parts: another's bot, the platform's, a customer that is another tenant itself."""
    bot, shared = await other.bot(), str(await other.rows.bot(relay.platform.id))
    await other.make(bot_id=bot)
    entra = await people.entra_tenant(other.tenant_id)
    own = await desk.make_white_label()
    await link(desk, entra)

    refused = [
        await desk.post(audience="END_USER", bot_id=bot),
        await desk.post(bot_id=bot),
        await desk.post(audience="END_USER", bot_id=shared),
        await desk.post(audience="END_USER", bot_id=str(uuid4())),
        await desk.patch(own, bot_id=bot.upper()),
        await desk.patch(own, bot_id=shared),
        await desk.install(own, entra),
    ]
    sent = {"client_id": other.tenant_id, "inbound_tenant_id": entra}
    routed = [await relay.opened(bot_id=one, **sent) for one in (bot, shared, own["bot_id"])]

    assert [code(answer) for answer in refused] == [NOT_GRANTED] * 7
    # Whether it is somebody's, and whose, is not said.
    assert [answer.json()["error"] for answer in refused] == [refused[3].json()["error"]] * 7
    assert [answer.json()["data"]["client_id"] for answer in routed] == [str(other.tenant_id)] * 3
    assert (await acts_for(routed[0]))[1] == other.internal


async def test_what_is_written_without_a_grant_gets_nothing(
    desk: Desk, other: Desk, relay: Relay, people: People
) -> None:
    bot, entra, customer = await other.bot(), await people.entra_tenant(other.tenant_id), uuid4()
    own = await desk.bot()
    await other.make(bot_id=bot)
    await written(desk, bot, installed=customer)
    await written(desk, own, installed=entra)
    for end_client in (entra, customer):
        await link(desk, end_client)

    taken = [
        await relay.opened(bot_id=bot, inbound_tenant_id=customer, client_id=other.tenant_id),
        await relay.opened(bot_id=own, inbound_tenant_id=entra, client_id=other.tenant_id),
    ]
    nameless = [
        await relay.opened(bot_id=bot, inbound_tenant_id=customer),
        await relay.opened(bot_id=own, inbound_tenant_id=entra),
    ]
    greeted = await relay.http.post(
        f"{CHANNELS}/install-events", json={"bot_id": bot, "end_client_tenant_id": str(customer)}
    )

    assert [answer.json()["data"]["client_id"] for answer in taken] == [str(other.tenant_id)] * 2
    assert [code(answer) for answer in nameless] == [(422, "client_id_required")] * 2
    assert greeted.json()["data"]["matched"] is False


async def test_technicians_share_the_platforms_bot(desk: Desk, other: Desk, relay: Relay) -> None:
    shared = str(await desk.rows.bot(relay.platform.id))
    for one in (desk, other):
        await one.make(bot_id=shared)

    routed = [await relay.opened(bot_id=shared, client_id=one.tenant_id) for one in (desk, other)]

    assert [await acts_for(answer) for answer in routed] == [
        (str(one.tenant_id), one.internal) for one in (desk, other)
    ]


async def test_the_platform_grants_a_bot_and_it_counts_from_then_on(
    desk: Desk, other: Desk, relay: Relay
) -> None:
    bot = str(uuid4())
    before = await desk.post(audience="END_USER", bot_id=bot)

    granted = [await relay.grant(desk.tenant_id, one) for one in (bot, bot.upper())]
    anothers = await relay.grant(other.tenant_id, bot)
    channel = await desk.make_white_label(bot_id=bot)

    assert code(before) == NOT_GRANTED
    assert [answer.status_code for answer in granted] == [200, 200]
    assert granted[0].json()["data"] == granted[1].json()["data"]
    assert granted[0].json()["data"]["client_id"] == str(desk.tenant_id)
    assert code(anothers) == (409, "bot_taken")
    assert str(desk.tenant_id) not in anothers.text
    assert channel["bot_id"] == bot
    [entry] = await logged(desk, "bot")
    assert (entry["action"], entry["object_id"], entry["actor_kind"]) == ("bot.granted", bot, "platform")


async def logged(desk: Desk, kind: str) -> list[dict[str, Any]]:
    answer = await desk.client.http.get("/public-api/audit-log", params={"object_kind": kind})
    return list(answer.json()["data"])


async def test_a_revoked_bot_counts_no_more_and_its_sessions_end(desk: Desk, relay: Relay) -> None:
    channel, customer = await desk.make_white_label(), uuid4()
    bot = channel["bot_id"]
    await desk.install(channel, customer)
    await link(desk, customer)
    session = (await relay.opened(bot_id=bot, inbound_tenant_id=customer)).json()["data"]["id"]

    revoked = await relay.revoke(desk.tenant_id, bot)

    assert revoked.json()["data"] == {"bot_id": bot, "client_id": str(desk.tenant_id)}
    assert code(await relay.opened(bot_id=bot, inbound_tenant_id=customer)) == (422, "client_id_required")
    said = await relay.http.post(f"{SESSIONS}/{session}/messages", json={"message": "Hello"})
    assert code(said) == (409, "channel_disconnected")
    for answer in (await desk.patch(channel, status="ACTIVE"), await desk.install(channel, uuid4())):
        assert code(answer) == NOT_GRANTED
    assert (await desk.patch(channel, internal_name="Renamed")).status_code == 200
    assert code(await relay.revoke(desk.tenant_id, bot)) == (404, "bot_not_found")
    assert [entry["action"] for entry in await logged(desk, "bot")] == ["bot.revoked", "bot.granted"]

    await relay.grant(desk.tenant_id, bot)
    assert (await desk.patch(channel, status="ACTIVE")).status_code == 200
    assert (await relay.opened(bot_id=bot, inbound_tenant_id=customer)).status_code == 200


@pytest.mark.parametrize(
    ("tenant", "bot", "granted", "revoked"),
    [
        ("common", str(UUID(int=1)), (404, "tenant_not_found"), (404, "bot_not_found")),
        (str(UUID(int=1)), str(UUID(int=1)), (404, "tenant_not_found"), (404, "bot_not_found")),
        (str(UUID(int=1)), "28:bot", (422, "routing_field_invalid"), (404, "bot_not_found")),
    ],
)
async def test_a_grant_names_a_tenant_and_a_bot(
    relay: Relay, tenant: str, bot: str, granted: tuple[int, str], revoked: tuple[int, str]
) -> None:
    assert code(await relay.grant(tenant, bot)) == granted
    assert code(await relay.revoke(tenant, bot)) == revoked


async def test_the_applications_role_gives_no_bot_to_anybody(desk: Desk, relay: Relay, rows: Rows) -> None:
    bot = await rows.bot(desk.tenant_id)

    for statement in (
        "INSERT INTO bots (id, tenant_id) SELECT gen_random_uuid(), id FROM tenants",
        "UPDATE bots SET id = gen_random_uuid()",
        "DELETE FROM bots",
        "SELECT neo_operator_grant_bot(gen_random_uuid(), id) FROM tenants",
        "SELECT neo_operator_revoke_bot(id, tenant_id) FROM bots",
    ):
        with pytest.raises(DBAPIError, match="permission denied"):
            async with rows.database.transaction(desk.tenant_id) as db:
                await db.execute(text(statement))

    of_tenant = text("SELECT id, digest FROM api_keys WHERE tenant_id = :id")
    async with rows.owner.transaction(relay.platform.id) as db:
        [live] = (await db.execute(of_tenant, {"id": relay.platform.id})).all()
    async with rows.database.transaction(desk.tenant_id) as db:
        for named in (live.id.bytes, str(live.id).encode()):
            assert await _became(db, bot, desk, named) == {"REFUSED"}
    async with rows.owner.transaction(relay.platform.id) as db:
        await db.execute(text("UPDATE api_keys SET revoked_at = now()"))
        [revoked] = (await db.execute(of_tenant, {"id": relay.platform.id})).all()
        [own] = (await db.execute(of_tenant, {"id": desk.tenant_id})).all()
    async with rows.database.transaction(desk.tenant_id) as db:
        for digest in (revoked.digest, own.digest, b"", None):
            assert await _became(db, bot, desk, digest) == {"REFUSED"}


async def _became(db: AsyncSession, bot: UUID, desk: Desk, digest: bytes | None) -> set[str]:
    """What becomes of a bot that is granted and revoked by whoever says this digest."""
    functions = ("neo_grant_bot", "neo_revoke_bot")
    return {(await call_within(db, one, bot, desk.tenant_id, digest))[0][0] for one in functions}


async def test_a_bot_that_is_being_used_is_taken_away_after_that(desk: Desk, rows: Rows) -> None:
    """A channel that is made meanwhile is seen by whoever takes the bot away: none is left active."""
    bot, channel = await rows.bot(desk.tenant_id), uuid4()
    row = {"id": channel, "tenant_id": desk.tenant_id, "agent_id": desk.white_label, "bot_id": bot}

    async with rows.database.transaction(desk.tenant_id) as db:
        assert await may_use_bot(db, bot, Audience.END_USER)
        [pid] = await db.scalars(text("SELECT pg_backend_pid()"))
        revoking = asyncio.create_task(
            BotDesk(rows.owner).revoke(Operator(desk.tenant_id), desk.tenant_id, bot)
        )
        await somebody_waits(rows, pid)
        await db.execute(
            insert(Channel).values(**row, audience="END_USER", transport="TEAMS", internal_name="x")
        )
    await revoking

    assert (await desk.get(f"/{channel}")).json()["data"]["status"] == "DISCONNECTED"


async def somebody_waits(rows: Rows, pid: int) -> None:
    async with asyncio.timeout(WAIT_SECONDS), rows.database.without_tenant() as connection:
        while not await connection.scalar(IS_WAITED_FOR, {"pid": pid}):
            await asyncio.sleep(0.005)


async def test_a_dry_run_shows_nothing_of_another_tenants_bot(
    desk: Desk, other: Desk, people: People
) -> None:
    channel, customer = await other.make_white_label(), uuid4()
    await other.install(channel, customer)
    await link(other, customer)
    _, admin = await people.join(desk.tenant_id, "Admin")

    theirs, nobodys = [
        await admin.http.post(f"{CHANNELS}/resolve", json={"bot_id": bot, "inbound_tenant_id": str(customer)})
        for bot in (channel["bot_id"], str(uuid4()))
    ]

    assert theirs.json()["data"] == nobodys.json()["data"]
    assert theirs.json()["data"]["route"] == "NEO_SUPPORT"
