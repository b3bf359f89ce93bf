"""A session that is bound to a company: its calls say so as their connection wants it, and name no other."""

from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import text

from calls.desk import Desk
from support.client import Client
from support.rows import Rows, Tenant
from support.scripted_mcp import Stage
from support.server import Server

PLACES = {"header": "Neo-Company", "meta": "neo/company", "argument": "company"}
BIND = text("UPDATE chat_sessions SET end_company_id = '42' WHERE id = :id")
# What the tool declares of its argument, and what is written there.
DECLARED: dict[str, dict[str, Any]] = {
    "string": {"type": "object", "properties": {"company": {"type": "string"}}, "required": ["company"]},
    "integer": {"type": "object", "properties": {"company": {"type": "integer"}}, "required": ["company"]},
}


@dataclass
class Lock:
    desk: Desk
    rows: Rows
    tenant: Tenant

    async def said(self, arguments: str, *, is_bound: bool, **places: Any) -> dict[str, Any]:
        """How a call with these arguments has ended."""
        await self.desk.change(company_in={**PLACES, **places})
        session = await self.desk.client.open(
            agent_id=await self.desk.agent(f"call=desk__company{arguments}")
        )
        if is_bound:
            async with self.rows.owner.transaction(self.tenant.id) as db:
                await db.execute(BIND, {"id": session})
        [outcome] = (await self.desk.say(session, "Please.")).outcomes
        return outcome


@pytest.fixture
async def lock(server: Server, rows: Rows, served_stage: Stage) -> Any:
    tenant = await rows.tenant("A tenant with companies")
    client = Client(server.url, tenant.api_key)
    desk = await Desk.open(client, served_stage)
    await desk.set("company", effect="READ")
    yield Lock(desk, rows, tenant)
    await client.http.aclose()


@pytest.mark.parametrize("arguments", ["{}", '{"company":"42"}', '{"company":" 42"}'])
async def test_a_call_is_told_its_sessions_company(lock: Lock, arguments: str) -> None:
    outcome = await lock.said(arguments, is_bound=True)

    [call] = await lock.desk.stage.calls()
    assert call["company"] == {"header": "42", "meta": "42", "argument": "42"}, outcome


@pytest.mark.parametrize(("kind", "written"), [("string", "42"), ("integer", 42)])
async def test_a_model_need_not_know_the_argument(lock: Lock, kind: str, written: Any) -> None:
    await lock.desk.stage.put_tool("company", inputSchema=DECLARED[kind])
    await lock.desk.client.http.post(f"/public-api/connections/{lock.desk.connection}/check")
    await lock.desk.pin("company")

    outcome = await lock.said("{}", is_bound=True)

    [call] = await lock.desk.stage.calls()
    assert call["arguments"] == {"company": written}, outcome


@pytest.mark.parametrize(
    ("arguments", "is_bound", "places"),
    [
        ('{"company":"43"}', True, {}),
        ('{"company":["42"]}', True, {}),
        ('{"company":null}', True, {}),
        ("{}", False, {"required": True}),
        ('{"company":"42"}', False, {"required": True}),
    ],
)
async def test_a_call_for_another_company_does_not_leave(
    lock: Lock, arguments: str, *, is_bound: bool, places: dict[str, Any]
) -> None:
    outcome = await lock.said(arguments, is_bound=is_bound, **places)

    assert outcome["errorText"].startswith("other_company: ")
    assert await lock.desk.stage.calls() == []


async def test_without_a_company_a_call_names_what_it_likes(lock: Lock) -> None:
    await lock.said('{"company":"43"}', is_bound=False)

    [call] = await lock.desk.stage.calls()
    assert call["company"] == {"header": None, "meta": None, "argument": "43"}
