"""What Temporal itself says of a turn."""

import asyncio

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from support.server import Server

PATIENCE_SECONDS = 15.0


async def knows_of(server: Server, turn_id: str) -> bool:
    """Whether the turn's workflow was started."""
    temporal = await Client.connect(server.addresses.temporal_address)
    try:
        await temporal.get_workflow_handle(turn_id).describe()
    except RPCError as error:
        assert error.status is RPCStatusCode.NOT_FOUND
        return False
    return True


async def until_known(server: Server, turn_id: str) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await knows_of(server, turn_id):
            await asyncio.sleep(0.05)


async def activities_of(server: Server, turn_id: str) -> int:
    """How many activities the turn's workflow has asked for, once it has ended."""
    await until_known(server, turn_id)
    temporal = await Client.connect(server.addresses.temporal_address)
    workflow = temporal.get_workflow_handle(turn_id)
    async with asyncio.timeout(PATIENCE_SECONDS):
        await workflow.result()
    events = (await workflow.fetch_history()).events
    return sum(event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED for event in events)
