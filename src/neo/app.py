"""The composition root of the API."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Protocol

import structlog
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.types import Lifespan

from neo.access import Authenticator, RequestLimiter
from neo.api import RequestScope, build_document, install_error_handlers
from neo.chat import Archivist, Desks, Reader, SessionDesk, TailPace, Tails, TurnDesk, router
from neo.db import DatabaseRoleUnsafe, trusted
from neo.kit import kept_going
from neo.meta import Health, meta_router
from neo.resources import Resources, key_format, pepper
from neo.settings import Settings, plain

log = structlog.get_logger()

EXPOSED_HEADERS = [
    "X-Request-Id",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "Retry-After",
]


class Beside(Protocol):
    """What runs along with the API in its process."""

    @property
    def is_up(self) -> bool: ...

    async def run(self) -> None: ...

    def stop(self) -> None: ...


def build_app(
    resources: Resources,
    settings: Settings,
    closing: asyncio.Event,
    *,
    beside: Beside | None = None,
    on_refusal: Callable[[], None] = lambda: None,
) -> FastAPI:
    """The API over these resources; `closing` tells its tails to end.

    `beside` runs along with it: the worker, in one process with the API.
    """
    health = Health(resources.database, resources.valkey, resources.temporal)
    if beside is not None:
        health.worker_is_up = lambda: beside.is_up
    tails = Tails(
        resources.database,
        resources.events,
        pace=TailPace(settings.streams.tail_keep_alive_seconds, settings.streams.tail_seconds_max),
        send_seconds=settings.streams.tail_send_seconds,
        closing=closing,
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(resources.aclose)
            await stack.enter_async_context(resources.events.hub())
            async with asyncio.TaskGroup() as group:
                running = [
                    group.create_task(kept_going("prepare", lambda: _prepare(resources, health, on_refusal))),
                    group.create_task(kept_going("connect", resources.temporal.connect)),
                    group.create_task(kept_going("sweep", resources.sweeper.run)),
                ]
                working = group.create_task(beside.run()) if beside is not None else None
                yield
                if beside is not None and working is not None:
                    beside.stop()
                    await working
                for task in running:
                    task.cancel()

    app = routed(lifespan)
    app.state.desks = Desks(
        Authenticator(resources.database, key_format(settings), pepper(settings)),
        RequestLimiter(plain(settings.streams.redis_url) or "", settings.server.rate_limit_requests),
        SessionDesk(resources.database),
        TurnDesk(resources.database, resources.starter),
        Reader(resources.database),
        Archivist(resources.database),
        tails,
    )
    app.state.health = health
    _allow_origins(app, settings.server.cors_origins)
    app.add_middleware(RequestScope)
    return app


def routed(lifespan: Lifespan[FastAPI] | None = None) -> FastAPI:
    """The routes and their document, without anything behind them."""
    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(meta_router)
    app.include_router(router)
    app.openapi = build_document(app)  # type: ignore[method-assign]
    install_error_handlers(app)
    return app


async def _prepare(resources: Resources, health: Health, on_refusal: Callable[[], None]) -> None:
    """Wait for the database, then make sure that it may be trusted; a role that may not ends the process."""
    try:
        await trusted(resources.database, on_wait=health.wait_for)
    except DatabaseRoleUnsafe as failure:
        log.critical("refused_to_start", code=failure.code, reason=failure.message)
        on_refusal()
    else:
        health.schema_problem = None


def _allow_origins(app: FastAPI, origins: str) -> None:
    allowed = [origin.strip() for origin in origins.split(",") if origin.strip()]
    if allowed:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=allowed,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "Last-Event-ID", "X-Request-Id"],
            expose_headers=EXPOSED_HEADERS,
        )
