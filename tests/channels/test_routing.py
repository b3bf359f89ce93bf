"""Every combination of who calls and what they name, against the table in docs/routing.md."""

import itertools
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from channels.routing_world import World, make_world
from neo.audit import AuditEntry, AuditStore
from neo.channels import Destination, Inbound, TenantNotFound, find_destination, find_route
from neo.sessions import ChatSession, SessionStore
from support.client import SESSIONS, Client
from support.rows import Rows, Tenant
from support.server import Server

PAGE = (Path(__file__).parents[2] / "docs" / "routing.md").read_text()
COLUMNS = ("caller", "agent_id", "managed_agent_key", "client_id", "bot_id", "inbound_tenant_id")
BOTS = ("-", "white-label", "paused", "msp", "unregistered", "malformed")
INBOUND = ("-", "mapped", "unmapped", "several", "elsewhere", "malformed")
CALLERS, SELECTORS, CLIENTS = ("platform", "other"), ("-", "set"), ("-", "known", "owner", "unknown")


@dataclass(frozen=True)
class Row:
    asked: tuple[str, ...]
    status: int
    code: str
    agent: str
    tenant: str
    company: str

    def fits(self, asked: tuple[str, ...]) -> bool:
        return all(
            mine == "any" or theirs in mine.split(" or ")
            for mine, theirs in zip(self.asked, asked, strict=True)
        )


def rows_of_the_page() -> list[Row]:
    lines = re.findall(r"^\| (?:other|platform) \|.*$", PAGE, re.MULTILINE)
    cells = [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines]
    return [Row(tuple(row[:6]), int(row[6]), *row[7:11]) for row in cells]


TABLE = rows_of_the_page()


def expected(asked: tuple[str, ...]) -> Row:
    return next(row for row in TABLE if row.fits(asked))


@pytest.fixture(scope="module")
async def world(rows: Rows) -> World:
    return await make_world(rows)


@pytest.fixture(scope="module")
async def callers(server: Server, world: World) -> AsyncIterator[dict[str, Client]]:
    callers = {
        "platform": Client(server.url, world.platform.api_key),
        "other": Client(server.url, world.target.api_key),
    }
    yield callers
    for caller in callers.values():
        await caller.http.aclose()


def body_of(world: World, asked: tuple[str, ...], client_id: str | None) -> dict[str, Any]:
    _, agent_id, managed, _, bot, inbound = asked
    return {
        "agent_id": world.named_agent if agent_id == "set" else None,
        "managed_agent_key": "NEO_SUPPORT" if managed == "set" else None,
        "client_id": client_id,
        "bot_id": world.bots[bot],
        "inbound_tenant_id": world.inbound[inbound],
    }


def agent_of(world: World, row: Row, tenant_id: UUID) -> int:
    if row.agent == "Neo Support":
        return world.support[tenant_id]
    if row.agent == "the named one":
        return world.named_agent
    return world.white_label_agent if row.tenant == "the channel's owner" else world.msp_agent


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("client", CLIENTS)
async def test_d15_every_combination_is_answered_as_the_page_says(
    callers: dict[str, Client], world: World, rows: Rows, caller: str, client: str
) -> None:
    for selector, managed, bot, inbound in itertools.product(SELECTORS, SELECTORS, BOTS, INBOUND):
        asked = (caller, selector, managed, client, bot, inbound)
        row = expected(asked)
        for client_id in world.clients()[client]:
            answer = await callers[caller].http.post(SESSIONS, json=body_of(world, asked, client_id))
            assert answer.status_code == row.status, (asked, answer.text)
            if row.status != 200:
                assert answer.json()["error"]["code"] == row.code, asked
                continue
            tenant = tenant_of(world, row, client)
            data = answer.json()["data"]
            assert data["client_id"] == str(tenant.id), asked
            assert data["agent_id"] == agent_of(world, row, tenant.id), asked
            company = await company_of(rows, tenant.id, data["id"])
            assert company == (world.company if row.company == "the linked one" else None), asked


def tenant_of(world: World, row: Row, client: str) -> Tenant:
    return world.owner if row.tenant == "the channel's owner" or client == "owner" else world.target


async def company_of(rows: Rows, tenant_id: UUID, session_id: str) -> str | None:
    async with rows.database.transaction(tenant_id) as db:
        return (await SessionStore(db, tenant_id).get(UUID(session_id))).end_company_id


def test_each_row_of_the_page_decides_something() -> None:
    combinations = itertools.product(CALLERS, SELECTORS, SELECTORS, CLIENTS, BOTS, INBOUND)
    decided = {expected(asked) for asked in combinations}

    assert decided == set(TABLE)


@pytest.mark.parametrize(
    "whose", [pytest.param("another", id="D1-another"), pytest.param("own", id="D2-own")]
)
async def test_client_id_from_anyone_but_the_platform_is_refused(
    callers: dict[str, Client], world: World, whose: str
) -> None:
    named = {"another": world.owner, "own": world.target}[whose]
    body = {"managed_agent_key": "NEO_SUPPORT", "client_id": str(named.id)}

    answer = await callers["other"].http.post(SESSIONS, json=body)

    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "client_id_not_allowed")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"agent_id": None, "managed_agent_key": None},
        {"agent_id": 1, "managed_agent_key": "NEO_SUPPORT"},
        {"managed_agent_key": "UNKNOWN"},
    ],
)
async def test_d5_not_exactly_one_selector_is_422(callers: dict[str, Client], body: dict[str, Any]) -> None:
    assert (await callers["other"].http.post(SESSIONS, json=body)).status_code == 422


async def test_d6_the_platform_never_chooses_an_agent(callers: dict[str, Client], world: World) -> None:
    target = {"client_id": str(world.target.id)}

    named = [
        await callers["platform"].http.post(SESSIONS, json={"agent_id": agent, **target})
        for agent in (world.named_agent, world.msp_agent, world.white_label_agent, 1, 2**40)
    ]
    routed = await callers["platform"].http.post(SESSIONS, json=target)

    assert {(a.status_code, a.json()["error"]["code"]) for a in named} == {(403, "agent_id_not_allowed")}
    assert routed.json()["data"]["agent_id"] == world.support[world.target.id]


@pytest.mark.parametrize(
    ("bot", "inbound"),
    [
        pytest.param("unregistered", "mapped", id="D7-not-registered"),
        pytest.param("paused", "mapped", id="D7-inactive"),
        pytest.param("white-label", "elsewhere", id="D7-installed-for-another"),
        pytest.param("white-label", "-", id="D7-from-nowhere"),
    ],
)
async def test_a_bot_that_leads_nowhere_leads_to_neo_support_and_to_no_foreign_channel(
    callers: dict[str, Client], world: World, bot: str, inbound: str
) -> None:
    body = body_of(world, ("platform", "-", "-", "known", bot, inbound), str(world.target.id))

    data = (await callers["platform"].http.post(SESSIONS, json=body)).json()["data"]

    assert (data["client_id"], data["agent_id"]) == (str(world.target.id), world.support[world.target.id])


async def test_d11_tenants_that_may_not_be_acted_for_are_alike(
    callers: dict[str, Client], world: World
) -> None:
    answers = [
        await callers["platform"].http.post(SESSIONS, json={"client_id": client_id})
        for client_id in world.clients()["unknown"]
    ]

    errors = [answer.json()["error"] for answer in answers]
    assert {answer.status_code for answer in answers} == {404}
    assert errors == [errors[0]] * len(errors)


async def test_d8_what_names_one_tenant_and_would_go_to_another_is_refused_and_both_find_it_in_their_logs(
    callers: dict[str, Client], world: World, rows: Rows
) -> None:
    before = [await written(rows, tenant.id) for tenant in (world.target, world.owner)]
    body = body_of(world, ("platform", "-", "-", "known", "white-label", "mapped"), str(world.target.id))
    headers = {"x-neo-end-user": "Zoe"}

    answer = await callers["platform"].http.post(SESSIONS, json=body, headers=headers)

    after = [await written(rows, tenant.id) for tenant in (world.target, world.owner)]
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "client_id_not_owner")
    assert [now[0] for now in after] == [then[0] for then in before], "no session was opened"
    assert str(world.owner.id) not in answer.text
    [of_target], [of_owner] = [
        now[1][: len(now[1]) - len(then[1])] for then, now in zip(before, after, strict=True)
    ]
    for entry, end_user in ((of_target, "Zoe"), (of_owner, None)):
        assert (entry.action, entry.object_id) == ("session.relay_refused", world.bots["white-label"])
        assert (entry.actor_tenant_id, entry.end_user) == (world.platform.id, end_user)
        assert entry.details == {"inbound_tenant_id": world.inbound["mapped"]}


async def written(rows: Rows, tenant_id: UUID) -> tuple[int, list[AuditEntry]]:
    """How many sessions there are, and what the log says, newest first."""
    async with rows.database.transaction(tenant_id) as db:
        sessions = len((await db.scalars(select(ChatSession.id))).all())
        return sessions, list(await AuditStore(db, tenant_id).newest(1000, before=None))


@pytest.mark.parametrize("kind", ["unmapped", "several"])
async def test_d9_a_tenant_without_exactly_one_company_is_told_whom_to_ask_and_nothing_else(
    callers: dict[str, Client], world: World, kind: str
) -> None:
    body = body_of(world, ("platform", "-", "-", "known", "white-label", kind), None)

    answer = await callers["platform"].http.post(SESSIONS, json=body)

    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (409, "end_company_not_mapped")
    assert str(world.owner.id) not in answer.text
    assert str(world.target.id) not in answer.text
    assert "IT provider" in error["message"]


async def test_d10_the_platform_uses_the_sessions_of_its_account_and_no_others(
    callers: dict[str, Client], world: World, rows: Rows, server: Server
) -> None:
    target = Client(server.url, world.target.api_key)
    others = await target.open()
    own = await callers["platform"].open(client_id=str(world.target.id))
    second_key = Client(server.url, await rows.key(world.platform.id))

    for session, caller in ((others, callers["platform"]), (own, second_key)):
        for method, path in (("GET", ""), ("GET", "/messages"), ("GET", "/events"), ("POST", "/archive")):
            answer = await caller.http.request(method, f"{SESSIONS}/{session}{path}")
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, "session_not_found")
        assert (await caller.post(session, "Hello")).status_code == 404
    accepted = await callers["platform"].say(own, "Hello")
    await target.ended(own, accepted["chat_turn_id"])
    assert (await callers["platform"].http.get(SESSIONS)).status_code == 403
    await target.http.aclose()
    await second_key.http.aclose()


async def test_d3_a_null_client_id_is_an_omitted_one(callers: dict[str, Client]) -> None:
    await callers["other"].open(managed_agent_key="NEO_SUPPORT", client_id=None)


async def test_d4_what_only_the_relay_may_say_is_ignored_from_others(
    callers: dict[str, Client], world: World
) -> None:
    body = body_of(world, ("other", "-", "set", "-", "white-label", "mapped"), None)

    opened = (await callers["other"].http.post(SESSIONS, json=body)).json()["data"]

    assert (opened["client_id"], opened["channel"]) == (str(world.target.id), "API")


async def test_d12_nobody_makes_themselves_the_platform(
    callers: dict[str, Client], world: World, rows: Rows
) -> None:
    wishes = {"is_platform": True, "tenant_id": str(world.owner.id), "channel": "TEAMS"}

    answer = await callers["other"].http.post(SESSIONS, json={"managed_agent_key": "NEO_SUPPORT", **wishes})

    data = answer.json()["data"]
    assert (data["client_id"], data["channel"]) == (str(world.target.id), "API")
    assert len(answer.json()["meta"]["warnings"]) == 3
    for column in ("is_platform = true", "suspended_at = NULL", f"entra_tenant_id = '{world.owner.id}'"):
        with pytest.raises(DBAPIError, match="permission denied"):
            async with rows.database.transaction(world.target.id) as db:
                await db.execute(text(f"UPDATE tenants SET {column}"))


async def test_d13_a_bot_is_found_by_its_exact_guid_in_any_letter_case_and_by_nothing_else(
    callers: dict[str, Client], world: World
) -> None:
    bot = str(world.bots["msp"])
    target = {"client_id": str(world.target.id)}

    upper = await callers["platform"].http.post(SESSIONS, json={"bot_id": bot.upper(), **target})
    spellings: list[object] = [
        bot[:-1],
        bot + "0",
        f"{{{bot}}}",
        f"urn:uuid:{bot}",
        bot.replace("-", ""),
        "x" * 2048,
        [bot],
        {},
    ]
    wrong = [
        await callers["platform"].http.post(SESSIONS, json={"bot_id": one, **target}) for one in spellings
    ]

    assert upper.json()["data"]["agent_id"] == world.msp_agent
    assert {answer.status_code for answer in wrong} == {422}


async def test_d14_a_channel_that_moved_between_the_look_up_and_the_session_does_not_take_it_along(
    world: World, rows: Rows
) -> None:
    inbound = Inbound.parse(None, world.bots["white-label"], world.inbound["mapped"])
    destination = await find_destination(rows.database, inbound)
    elsewhere = Inbound.parse(None, world.bots["white-label"], world.inbound["elsewhere"])

    async with rows.database.transaction(destination.tenant_id) as db:
        assert await find_route(db, destination, inbound) is not None
        assert await find_route(db, destination, elsewhere) is None
    with pytest.raises(TenantNotFound):
        async with rows.database.transaction(world.suspended.id) as db:
            await find_route(db, Destination(world.suspended.id, is_white_label=True), inbound)


async def test_a_relayed_session_keeps_both_identities_and_whom_it_is_for(
    callers: dict[str, Client], world: World, rows: Rows
) -> None:
    headers = {"x-neo-end-user": quote("Zoë Ünal"), "x-neo-end-user-email": "zoe@example.com"}
    body = body_of(world, ("platform", "-", "-", "-", "white-label", "mapped"), None)

    answer = await callers["platform"].http.post(SESSIONS, json=body, headers=headers)

    session_id = UUID(answer.json()["data"]["id"])
    async with rows.database.transaction(world.owner.id) as db:
        session = await SessionStore(db, world.owner.id).get(session_id)
        [entry] = [one for one in await AuditStore(db, world.owner.id).newest(50, before=None)
                   if one.object_id == str(session_id)]  # fmt: skip
    assert (session.end_user, session.end_user_email) == ("Zoë Ünal", "zoe@example.com")
    assert session.actor_tenant_id == entry.actor_tenant_id == world.platform.id
    assert (entry.actor_kind, entry.action, entry.end_user) == ("platform", "session.relayed", "Zoë Ünal")
    assert (entry.details or {})["end_company_id"] == world.company


async def test_a_dry_run_says_what_opening_would_do_and_makes_nothing(
    callers: dict[str, Client], world: World
) -> None:
    for bot, inbound, client in itertools.product(BOTS, INBOUND, CLIENTS):
        asked = ("platform", "-", "-", client, bot, inbound)
        body = body_of(world, asked, world.clients()[client][0])
        [body.pop(name) for name in ("agent_id", "managed_agent_key")]
        answer = await callers["platform"].http.post("/public-api/channels/resolve", json=body)
        row = expected(asked)
        if "malformed" in (bot, inbound):
            assert answer.status_code == 422
            continue
        data = answer.json()["data"]
        assert (data["refusal"] or {"status": 200})["status"] == row.status, asked
        assert (data["refusal"] or {"code": ""})["code"] == row.code, asked
        if row.status == 200:
            tenant = tenant_of(world, row, client)
            assert (data["client_id"], data["agent_id"]) == (str(tenant.id), agent_of(world, row, tenant.id))
            assert [step["route"] for step in data["steps"] if step["is_taken"]] == [data["route"]]


async def test_a_session_of_a_paused_channel_takes_no_more_messages(
    callers: dict[str, Client], world: World, rows: Rows
) -> None:
    body = body_of(world, ("platform", "-", "-", "known", "msp", "-"), str(world.target.id))
    session = (await callers["platform"].http.post(SESSIONS, json=body)).json()["data"]["id"]
    async with rows.database.transaction(world.target.id) as db:
        await db.execute(text("UPDATE channels SET status = 'DISCONNECTED'"))

    refused = await callers["platform"].post(session, "Hello")

    async with rows.database.transaction(world.target.id) as db:
        await db.execute(text("UPDATE channels SET status = 'ACTIVE'"))
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "channel_disconnected")
