"""One more API with settings of its own on a server's engines: a second instead of the ten that a server takes."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx2

from neo.engines.choose import server_environment, with_blob_folder
from support.forked import Forked, neo_in
from support.ports import free_port
from support.server import Server

READY_SECONDS = 60
STOP_SECONDS = 30


@asynccontextmanager
async def api_beside(server: Server, log: Path, environment: Mapping[str, str]) -> AsyncIterator[Server]:
    """Turns that it accepts are run by the server's worker."""
    beside = replace(
        server, port=free_port(), metrics_port=free_port(), environment=dict(environment), process=None
    )
    secret = (server.data / "secret").read_text().strip()
    settings = server_environment(beside.settings, server.addresses, secret, ())
    settings = with_blob_folder(settings, server.data / "blobs")
    child = await Forked.start(neo_in(log, settings, "api", "--port", str(beside.port)))
    try:
        await _until_ready(beside.url, child, log)
        yield beside
    finally:
        if not child.has_ended:
            os.kill(child.pid, signal.SIGTERM)
        await asyncio.wait_for(child.exited(), STOP_SECONDS)


async def _until_ready(url: str, child: Forked, log: Path) -> None:
    async with (
        asyncio.timeout(READY_SECONDS),
        httpx2.AsyncClient(base_url=url, trust_env=False, verify=False) as http,
    ):
        while True:
            assert not child.has_ended, log.read_text()[-5000:]
            try:
                if (await http.get("/public-api/ready")).status_code == 200:
                    return
            except httpx2.HTTPError:
                pass
            await asyncio.sleep(0.05)
