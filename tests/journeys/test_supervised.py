"""When Temporal hears of a turn, and what its workflow does then."""

from uuid import uuid4

import httpx2
from temporalio.client import Client as Temporal

from support.client import Client
from support.rows import Rows
from support.server import Server
from support.temporal import activities_of, knows_of, until_known


async def test_a_turn_of_one_segment_has_a_workflow_with_nothing_to_do(
    client: Client, rows: Rows, server: Server
) -> None:
    session = await client.open(agent_id=await rows.agent("scripted:tokens=5"))
    turn_id = (await client.say(session, "Hello"))["chat_turn_id"]

    assert (await client.ended(session, turn_id))["status"] == "COMPLETED"
    assert await activities_of(server, turn_id) == 0


async def test_a_turn_whose_provider_failed_is_seen_through_by_its_workflow(
    client: Client, rows: Rows, server: Server
) -> None:
    agent_id = await rows.agent(f"scripted:tokens=5,status=503,times=1,key={uuid4().hex}")
    session = await client.open(agent_id=agent_id)
    turn_id = (await client.say(session, "Hello"))["chat_turn_id"]

    assert (await client.ended(session, turn_id))["status"] == "COMPLETED"
    assert await activities_of(server, turn_id) == 1


async def test_a_workflow_that_is_terminated_changes_nothing(
    client: Client, rows: Rows, server: Server, scripted: httpx2.AsyncClient
) -> None:
    """It is started with the first segment that settles, and joins whoever drives the turn."""
    gate = uuid4().hex
    agent_id = await rows.agent(f"scripted:tokens=2,rounds=1,pause_after=1,gate={gate},in_answer=2")
    session = await client.open(agent_id=agent_id)
    turn_id = (await client.say(session, "Hello"))["chat_turn_id"]
    await until_known(server, turn_id)
    temporal = await Temporal.connect(server.addresses.temporal_address)

    await temporal.get_workflow_handle(turn_id).terminate()
    while (turn := await client.turn(session, turn_id))["status"] == "RUNNING":
        await scripted.post("/control/release", params={"gate": gate})

    assert (turn["status"], turn["attempts"]) == ("COMPLETED", 1)


async def test_a_turn_that_waits_has_no_workflow(client: Client, rows: Rows, server: Server) -> None:
    session = await client.open(agent_id=await rows.agent("scripted:tokens=2,tool=gated"))
    accepted = await client.say(session, "Hello")

    seen = await client.events(session, accepted["since_cursor"])

    # The workflow that was started with the first segment has ended.
    assert seen[-1].type == "data-turn-waiting"
    assert await activities_of(server, accepted["chat_turn_id"]) <= 1
    [call_id] = seen[-1].chunk["data"]["calls"]
    decided = await client.http.post(
        f"/public-api/scripted-model/calls/{call_id}", json={"decision": "APPROVED"}
    )
    assert decided.status_code == 200
    rest = await client.events(session, last_event_id=seen[-1].id)
    assert rest[-1].type == "finish"
    assert await knows_of(server, accepted["chat_turn_id"])
