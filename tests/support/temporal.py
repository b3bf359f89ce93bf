"""What Temporal itself says of a turn."""

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from support.server import Server


async def knows_of(server: Server, turn_id: str) -> bool:
    """Whether Temporal has been told of the turn."""
    temporal = await Client.connect(server.addresses.temporal_address)
    try:
        await temporal.get_workflow_handle(turn_id).describe()
    except RPCError as error:
        assert error.status is RPCStatusCode.NOT_FOUND
        return False
    return True
