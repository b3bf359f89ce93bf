"""More answers at once than Temporal is told of before they begin."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx2
import pytest
from neo.turns.starting.holding import HELD_FOR
from neo.turns.starting.running import QUIET_MAX
from sqlalchemy import text
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client as Temporal

from support.client import Client
from support.rows import Rows
from support.server import Server
from support.temporal import knows_of

GATE = "full-house"
LONG = f"scripted:tokens=2,pause_after=1,gate={GATE}"
QUICK = "scripted:tokens=5"
PATIENCE_SECONDS = 15.0
HOW_HELD = text(
    "SELECT held_until > clock_timestamp() AS is_in_hand, swept_at FROM chat_turns WHERE id = :id"
)
# Of the full house: begun just before this turn, and looked at since.
LOOKED_AT = text(
    "SELECT count(*) FROM chat_turns o JOIN chat_turns t ON t.id = :id AND o.tenant_id = t.tenant_id "
    "WHERE o.status = 'RUNNING' AND o.started_at < t.started_at AND o.swept_at > o.started_at"
)


@pytest.fixture
async def full_house(client: Client, rows: Rows, scripted: httpx2.AsyncClient) -> AsyncIterator[None]:
    """As many answers under way as make Temporal hear of the next one later."""
    agent_id = await rows.agent(LONG)
    sessions = [await client.open(agent_id=agent_id) for _ in range(QUIET_MAX)]
    said = [await client.say(session, "Hello") for session in sessions]
    yield
    await scripted.post("/control/release", params={"gate": GATE})
    for session, accepted in zip(sessions, said, strict=True):
        await client.ended(session, accepted["chat_turn_id"])


@pytest.mark.usefixtures("full_house")
async def test_a_turn_that_ends_before_temporal_hears_of_it_has_a_workflow_with_nothing_to_do(
    client: Client, rows: Rows, server: Server
) -> None:
    session = await client.open(agent_id=await rows.agent(QUICK))
    turn_id = (await client.say(session, "Hello"))["chat_turn_id"]

    assert (await client.ended(session, turn_id))["status"] == "COMPLETED"
    assert await steps_asked_for(server, turn_id) == 0


@pytest.mark.usefixtures("full_house")
async def test_a_turn_whose_provider_failed_before_temporal_heard_of_it_is_tried_again(
    client: Client, rows: Rows, server: Server
) -> None:
    agent_id = await rows.agent(f"{QUICK},status=503,times=1,key={uuid4().hex}")
    session = await client.open(agent_id=agent_id)
    turn_id = (await client.say(session, "Hello"))["chat_turn_id"]

    assert (await client.ended(session, turn_id))["status"] == "COMPLETED"
    assert await steps_asked_for(server, turn_id) == 1


@pytest.mark.usefixtures("full_house")
async def test_a_turn_that_temporal_has_not_heard_of_is_said_to_be_in_hand_and_looked_at_by_nobody(
    client: Client, rows: Rows, server: Server, scripted: httpx2.AsyncClient
) -> None:
    gate = uuid4().hex
    agent_id = await rows.agent(f"scripted:tokens=2,pause_after=1,gate={gate}")
    session = await client.open(agent_id=agent_id)
    turn_id = (await client.say(session, "Hello"))["chat_turn_id"]

    # Those that it has heard of are not said to be in hand any more, and so are looked at.
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await looked_at_of_others(rows, turn_id):
            await asyncio.sleep(0.1)
    await asyncio.sleep(HELD_FOR.total_seconds() / 2)
    async with rows.owner.without_tenant() as owner:
        held = (await owner.execute(HOW_HELD, {"id": turn_id})).one()

    assert (held.is_in_hand, held.swept_at) == (True, None)
    assert not await knows_of(server, turn_id)
    await scripted.post("/control/release", params={"gate": gate})
    assert (await client.ended(session, turn_id))["attempts"] == 1


async def looked_at_of_others(rows: Rows, turn_id: str) -> int:
    async with rows.owner.without_tenant() as owner:
        return int(await owner.scalar(LOOKED_AT, {"id": turn_id}) or 0)


async def steps_asked_for(server: Server, turn_id: str) -> int:
    """By the turn's workflow, once it has come and ended."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await knows_of(server, turn_id):
            await asyncio.sleep(0.1)
        temporal = await Temporal.connect(server.addresses.temporal_address)
        workflow = temporal.get_workflow_handle(turn_id)
        await workflow.result()
    events = (await workflow.fetch_history()).events
    return sum(event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED for event in events)
