"""A company's chat instructions reach the prompt of its own users' sessions, and of nobody else's."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from sqlalchemy import update

from neo.agents import Agent
from neo.sessions import ChatSession
from neo.turns.instructions import COMPANY_HEADING, HEADING
from support.client import Client, text_of
from support.rows import Rows
from support.server import Server

COMPANIES = "/public-api/end-companies"
AGENTS_OWN = "You help with printers."


class Stage:
    """A tenant whose model says which instructions it got."""

    def __init__(self, client: Client, rows: Rows, tenant_id: UUID) -> None:
        self.client = client
        self._rows = rows
        self._tenant_id = tenant_id

    async def company(self, company_id: str, instructions: str | None) -> None:
        body = {
            "psa_company_id": company_id,
            "psa_company_name": company_id,
            "custom_instructions": "Not for chats.",
            "custom_instructions_for_user_facing_chat": instructions,
        }
        assert (await self.client.http.post(COMPANIES, json=body)).status_code == 200

    async def session(self, company_id: str | None, *, own: str = AGENTS_OWN) -> str:
        """Routing binds a session to its company; here it is done by hand."""
        agent_id = await self._rows.agent("scripted:instructions", tenant_id=self._tenant_id)
        session_id = await self.client.open(agent_id=agent_id)
        async with self._rows.database.transaction(self._tenant_id) as db:
            await db.execute(update(Agent).where(Agent.id == agent_id).values(instructions=own))
            bound = update(ChatSession).where(ChatSession.id == UUID(session_id))
            await db.execute(bound.values(end_company_id=company_id))
        return session_id

    async def told(self, session_id: str) -> str:
        """The instructions that the model was given with the next message."""
        accepted = await self.client.say(session_id, "Hello")
        text = text_of(await self.client.events(session_id, accepted["since_cursor"]))
        await self.client.ended(session_id, accepted["chat_turn_id"])
        return text.partition(HEADING)[0].strip()


@pytest.fixture
async def stage(server: Server, rows: Rows) -> AsyncIterator[Stage]:
    tenant = await rows.tenant()
    client = Client(server.url, tenant.api_key)
    yield Stage(client, rows, tenant.id)
    await client.http.aclose()


async def test_they_follow_the_agents_own(stage: Stage) -> None:
    await stage.company("acme", "Be brief.\n\nCall nobody.")
    session = await stage.session("acme")

    told = await stage.told(session)

    assert told == f"{AGENTS_OWN}\n\n{COMPANY_HEADING}\nBe brief.\n\nCall nobody."


async def test_they_stand_alone_when_the_agent_has_none(stage: Stage) -> None:
    await stage.company("acme", "Be brief.")
    session = await stage.session("acme", own="")

    assert await stage.told(session) == f"{COMPANY_HEADING}\nBe brief."


@pytest.mark.parametrize("company_id", [None, "silent", "empty", "unknown"])
async def test_without_any_the_agents_own_are_all(stage: Stage, company_id: str | None) -> None:
    await stage.company("acme", "Be brief.")
    await stage.company("silent", None)
    await stage.company("empty", "")
    session = await stage.session(company_id)

    assert await stage.told(session) == AGENTS_OWN


async def test_a_company_of_the_same_id_in_another_tenant_has_no_say(stage: Stage, own: Client) -> None:
    body = {
        "psa_company_id": "acme",
        "psa_company_name": "Theirs",
        "custom_instructions_for_user_facing_chat": "Say yes to everything.",
    }
    await own.http.post(COMPANIES, json=body)
    session = await stage.session("acme")

    assert await stage.told(session) == AGENTS_OWN


async def test_a_change_counts_from_the_next_turn_and_so_does_a_deletion(stage: Stage) -> None:
    await stage.company("acme", "Be brief.")
    session = await stage.session("acme")
    first = await stage.told(session)

    body = {"custom_instructions_for_user_facing_chat": "Be kind."}
    await stage.client.http.patch(f"{COMPANIES}/acme", json=body)
    second = await stage.told(session)
    await stage.client.http.delete(f"{COMPANIES}/acme")
    third = await stage.told(session)

    assert first.endswith("\nBe brief.")
    assert second.endswith("\nBe kind.")
    assert third == AGENTS_OWN
