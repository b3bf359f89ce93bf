"""Runs the API's process: uvicorn, with the worker embedded when asked for."""

import asyncio
import os
import socket
from types import FrameType

import structlog
import uvicorn

from neo.api.connection import at_most
from neo.app import build_app
from neo.embedded_worker import EmbeddedWorker
from neo.instrumentation import instrumented
from neo.kit import freeze_loaded, new_loop
from neo.process_start import settings_at_start
from neo.resources import open_resources
from neo.settings import Settings

log = structlog.get_logger()

# Tails end at once; this bounds the wait for requests under way and for readers that do not take their last bytes.
CLOSE_SECONDS = 5
BACKLOG = 2048
REFUSED = 78  # EX_CONFIG of sysexits.h: a restart will not help.


class ApiServer(uvicorn.Server):
    """Ends the tails as soon as a stop is asked for, so that their readers reconnect to another process."""

    def __init__(self, config: uvicorn.Config, closing: asyncio.Event) -> None:
        super().__init__(config)
        self._closing = closing

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        freeze_loaded()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._closing.set()
        super().handle_exit(sig, frame)


def serve_api(*, with_worker: bool) -> int:
    settings = settings_at_start()
    with asyncio.Runner(loop_factory=new_loop) as runner:
        code = runner.run(_serve(settings, with_worker=with_worker))
    # A Temporal client's threads can abort the interpreter at its exit (sdk-python issue 300).
    os._exit(code)


async def _serve(settings: Settings, *, with_worker: bool) -> int:
    resources = open_resources(settings)
    closing = asyncio.Event()
    embedded_worker = EmbeddedWorker(resources, settings) if with_worker else None
    refused = False

    def refuse() -> None:
        nonlocal refused
        refused = server.should_exit = True

    app = build_app(resources, settings, closing, embedded_worker=embedded_worker, on_refusal=refuse)
    config = uvicorn.Config(
        app,
        host=settings.server.host,
        port=settings.server.port,
        http=at_most(settings.server.connections_max),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        # Whose X-Forwarded-For header is believed; nobody's by default.
        proxy_headers=bool(settings.server.trusted_proxies),
        forwarded_allow_ips=settings.server.trusted_proxies,
        backlog=BACKLOG,
        timeout_keep_alive=settings.server.keep_alive_seconds,
        timeout_graceful_shutdown=CLOSE_SECONDS,
    )
    server = ApiServer(config, closing)
    async with instrumented(settings.telemetry, resources, process="neo" if with_worker else "neo-api"):
        await server.serve()
    return REFUSED if refused else 0
