"""The connection to Temporal, which may come up later than this process, or go and come back."""

import asyncio

import structlog
from temporalio.api.workflowservice.v1 import GetSystemInfoRequest
from temporalio.client import Client
from temporalio.service import RPCError

log = structlog.get_logger()

RETRY_SECONDS_FIRST = 0.05
RETRY_SECONDS_MAX = 2.0
PING_SECONDS = 2.0


class TemporalConnection:
    """One client both starts workflows and runs the worker, so that Temporal can hand a workflow that this
    process starts straight to its own worker.
    """

    def __init__(self, address: str, namespace: str, *, tls: bool, api_key: str | None) -> None:
        self._address = address
        self._namespace = namespace
        self._tls = tls
        self._api_key = api_key
        self._is_connected = asyncio.Event()
        self.client: Client | None = None

    async def connect(self) -> None:
        """Connect, however long Temporal takes to be there."""
        wait_seconds = RETRY_SECONDS_FIRST
        while self.client is None:
            try:
                self.client = await Client.connect(
                    self._address, namespace=self._namespace, tls=self._tls, api_key=self._api_key
                )
            except (RuntimeError, RPCError, OSError) as error:
                log.debug("temporal_not_there_yet", reason=str(error)[:200])
                await asyncio.sleep(wait_seconds)
                wait_seconds = min(wait_seconds * 2, RETRY_SECONDS_MAX)
        self._is_connected.set()

    async def connected(self) -> Client:
        await self._is_connected.wait()
        assert self.client is not None  # noqa: S101
        return self.client

    async def ping(self) -> None:
        """Raises when Temporal does not answer."""
        if self.client is None:
            raise ConnectionError("Temporal is not connected.")
        # An `rpc_timeout` does not bound a call while the server is down.
        await asyncio.wait_for(
            self.client.workflow_service.get_system_info(GetSystemInfoRequest(), retry=False), PING_SECONDS
        )
