"""What Temporal itself says of a turn."""

import asyncio

from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from support.server import Server

# An attempt's first heartbeat comes after 2.5 s.
BEAT_SECONDS = 10


async def knows_of(server: Server, turn_id: str) -> bool:
    """Whether Temporal has been told of the turn."""
    temporal = await Client.connect(server.addresses.temporal_address)
    try:
        await temporal.get_workflow_handle(turn_id).describe()
    except RPCError as error:
        assert error.status is RPCStatusCode.NOT_FOUND
        return False
    return True


async def attempt_beats(workflow: WorkflowHandle[object, object]) -> None:
    """Wait until an attempt at the turn's step has come to its worker, and says that it lives."""
    async with asyncio.timeout(BEAT_SECONDS):
        while True:
            pending = (await workflow.describe()).raw_description.pending_activities
            if any(activity.HasField("last_heartbeat_time") for activity in pending):
                return
            await asyncio.sleep(0.05)
