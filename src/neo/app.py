"""The composition root of the API."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Protocol

import structlog
from fastapi import FastAPI
from starlette.types import ASGIApp, Lifespan

from neo.access import (
    Authenticator,
    CountedRoom,
    FailedAttempts,
    Gate,
    KeyDesk,
    Lookups,
    Pepper,
    RequestLimiter,
    RowBounds,
    SessionTokens,
    UrlSigner,
)
from neo.access.audit_log.routes import router as audit_router
from neo.access.keys.routes import router as key_router
from neo.agents import AgentDesk
from neo.agents.offered_models.routes import router as model_router
from neo.agents.routes import router as agent_router
from neo.agents.tenants.routes import router as tenant_router
from neo.api import LargeBodies, LongPages, build_document, edge, install_error_handlers
from neo.attachments import SESSION_UPLOADS_MAX, BlobUrls, Inspector, SignedBlobAccess, TransfersMax
from neo.attachments.routes import router as blob_router
from neo.channels.bots.routes import bot_router
from neo.channels.installs.routes import install_router
from neo.channels.routes import router as channel_router
from neo.channels.routing.routes import resolve_router
from neo.chat import (
    Canceller,
    Desks,
    QueueBounds,
    Reader,
    RelayDesk,
    Retrier,
    SessionDesk,
    TokenDesk,
    TurnDesk,
    UploadDesk,
    UploadQuota,
    router,
    scripted_door,
    stop_router,
    token_router,
    upload_router,
)
from neo.companies.routes import router as company_router
from neo.connections.administer.desk import ConnectionDesk
from neo.connections.administer.routes import router as connection_router
from neo.connections.administer.tools.desk import ToolDesk
from neo.connections.administer.tools.routes import router as tool_router
from neo.connections.checks.check import Checker
from neo.connections.checks.refresher import Refresher
from neo.db import DatabaseRoleUnsafe, trusted
from neo.executions import (
    ArtifactDesk,
    CallDesk,
    ControlDesk,
    ExecutionDesk,
    StepDesk,
    artifact_router,
    call_router,
    control_router,
    history_router,
    step_router,
)
from neo.kit import keep_running
from neo.meta import Engines, Health, meta_router
from neo.people import Enrolment
from neo.people.routes import router as technician_router
from neo.resources import Resources, default_role, entra_verifier, key_format, secret_keys
from neo.settings import ServerSettings, Settings, plain
from neo.stops.routes import router as stop_tools_router
from neo.tails import OpenTails, TailBounds, TailPace, Tails
from neo.toolbox import ToolboxRules
from neo.toolbox.routes import router as toolbox_router
from neo.turns.resume import Resumer
from neo.vault import SecretKeyWrapping

log = structlog.get_logger()

ROUTERS = (
    meta_router,
    router,
    stop_router,
    token_router,
    upload_router,
    blob_router,
    resolve_router,
    channel_router,
    install_router,
    bot_router,
    company_router,
    connection_router,
    tool_router,
    toolbox_router,
    stop_tools_router,
    agent_router,
    model_router,
    tenant_router,
    technician_router,
    key_router,
    audit_router,
    history_router,
    step_router,
    call_router,
    artifact_router,
    control_router,
)


class Embedded(Protocol):
    """A worker that runs in the API's process, started and stopped with the API."""

    @property
    def is_up(self) -> bool: ...

    async def run(self) -> None: ...

    def stop(self) -> None: ...


def build_app(
    resources: Resources,
    settings: Settings,
    closing: asyncio.Event,
    *,
    embedded_worker: Embedded | None = None,
    on_refusal: Callable[[], None] = lambda: None,
) -> ASGIApp:
    """The API over these resources. Its tails end once `closing` is set; `on_refusal` is called when the database's
    role turns out to be unsafe.
    """
    engines = Engines(resources.database, resources.valkey, resources.temporal)
    health = Health(
        engines, resources.database, None if embedded_worker is None else lambda: embedded_worker.is_up
    )
    lookups = Lookups(resources.database)
    limiter = _limiter(settings)
    open_tails = OpenTails(
        closing,
        TailBounds(
            process=settings.streams.tails_per_process,
            tenant=settings.streams.tails_per_tenant,
            session=settings.streams.tails_per_session,
            token=settings.streams.tails_per_token,
        ),
    )
    tails = Tails(
        resources.database,
        resources.events,
        pace=TailPace(settings.streams.tail_keep_alive_seconds, settings.streams.tail_seconds_max),
        send_seconds=settings.streams.tail_send_seconds,
        open_tails=open_tails,
    )

    wrapping = SecretKeyWrapping(secret_keys(settings))
    checker = Checker(resources.database, resources.servers, wrapping)
    refresher = Refresher(resources.database, checker)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(resources.aclose)
            if limiter is not None:
                stack.push_async_callback(limiter.aclose)
            await stack.enter_async_context(resources.events.subscriptions)
            async with asyncio.TaskGroup() as group:
                running = [
                    group.create_task(
                        keep_running("prepare", lambda: _prepare(resources, health, on_refusal))
                    ),
                    group.create_task(keep_running("connect", resources.temporal.connect)),
                    group.create_task(keep_running("sweep", resources.sweeper.run)),
                    group.create_task(keep_running("orphans", resources.orphans.run)),
                    group.create_task(keep_running("artifacts", resources.artifact_sweeper.run)),
                    group.create_task(keep_running("connections", refresher.run)),
                    group.create_task(keep_running("lapses", lambda: open_tails.end_lapsed(lookups.lapsed))),
                ]
                working = group.create_task(embedded_worker.run()) if embedded_worker is not None else None
                yield
                if embedded_worker is not None and working is not None:
                    embedded_worker.stop()
                    await working
                for task in running:
                    task.cancel()

    signer = UrlSigner(secret_keys(settings))
    urls = BlobUrls(resources.blobs, signer, settings.server.public_url)
    app = routed(lifespan)
    if settings.models.scripted_model_url:
        app.include_router(scripted_door(Resumer(resources.database, resources.valkey)))
    app.state.database = resources.database
    bounds = app.state.row_bounds = RowBounds(
        **{name.removesuffix("_max"): most for name, most in settings.rows.model_dump().items()}
    )
    queue_bounds = QueueBounds(
        session=settings.server.turn_queue_max,
        end_users=settings.server.turn_queue_token_max,
        tenant=settings.server.turn_queue_tenant_max,
    )
    canceller = Canceller(resources.database, resources.valkey, resources.events)
    session_room = CountedRoom(bounds.sessions, "sessions")
    app.state.large_bodies = LargeBodies()
    app.state.long_pages = LongPages()
    app.state.gate = _gate(resources, settings, lookups, limiter)
    app.state.desks = Desks(
        SessionDesk(resources.database, session_room),
        RelayDesk(resources.database, session_room),
        TurnDesk(
            resources.database,
            resources.valkey,
            resources.places,
            Inspector(resources.blobs) if resources.blobs is not None else None,
            bounds=queue_bounds,
            kept_bytes_max=settings.blobs.storage_bytes_max,
        ),
        Reader(resources.database),
        canceller,
        tails,
        TokenDesk(resources.database, SessionTokens(secret_keys(settings)), bounds),
        UploadDesk(
            resources.database,
            urls,
            UploadQuota(
                settings.blobs.uploads_unused_max,
                settings.blobs.uploads_unused_per_session,
                settings.blobs.storage_bytes_max,
            ),
        ),
    )
    app.state.agent_desk = AgentDesk(resources.database, resources.models.list, ToolboxRules(), bounds)
    app.state.connection_desk = ConnectionDesk(
        resources.database, resources.egress, wrapping, checker, bounds
    )
    app.state.tool_desk = ToolDesk(resources.database)
    app.state.execution_desk = ExecutionDesk(resources.database)
    app.state.step_desk = StepDesk(resources.database)
    app.state.call_desk = CallDesk(resources.database)
    app.state.control_desk = ControlDesk(
        resources.database,
        canceller,
        Retrier(resources.database, resources.valkey, resources.places, queue_bounds),
    )
    app.state.artifact_desk = ArtifactDesk(resources.database, urls)
    app.state.model_list = resources.models.list
    app.state.key_desk = KeyDesk(
        resources.database, settings.server.environment, Pepper(secret_keys(settings)), bounds
    )
    app.state.signed_blobs = SignedBlobAccess(
        resources.database,
        resources.blobs,
        signer,
        TransfersMax(
            SESSION_UPLOADS_MAX, settings.blobs.uploads_per_tenant, settings.blobs.uploads_per_process
        ),
    )
    app.state.health = health
    return _around(app, settings.server)


def routed(lifespan: Lifespan[FastAPI] | None = None) -> FastAPI:
    """The routes and their OpenAPI document, without any engine."""
    app = FastAPI(
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        # `neo.telemetry` measures and traces requests; FastAPI's own hooks would cost each of them time.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    for one in ROUTERS:
        app.include_router(one)
    app.openapi = build_document(app)  # type: ignore[method-assign]
    install_error_handlers(app)
    return app


def _limiter(settings: Settings) -> RequestLimiter | None:
    server = settings.server
    if not server.rate_limit_requests:
        return None
    redis_url = plain(settings.streams.redis_url) or ""
    return RequestLimiter(redis_url, server.rate_limit_requests, server.rate_limit_token_requests)


def _gate(resources: Resources, settings: Settings, lookups: Lookups, limiter: RequestLimiter | None) -> Gate:
    authenticator = Authenticator(
        resources.database,
        key_format(settings),
        secret_keys(settings),
        entra=entra_verifier(settings),
        enrol=Enrolment(resources.database, default_role(settings)),
    )
    attempts = settings.server.failed_attempts
    return Gate(authenticator, lookups, limiter, FailedAttempts(attempts) if attempts else None)


async def _prepare(resources: Resources, health: Health, on_refusal: Callable[[], None]) -> None:
    """Wait for the database, then check its schema and role; one that row-level security does not bind is refused."""
    try:
        await trusted(resources.database, on_wait=health.schema_is_not_ready)
    except DatabaseRoleUnsafe as failure:
        log.critical("refused_to_start", code=failure.code, reason=failure.message)
        on_refusal()
    else:
        health.schema_is_ready()


def _around(app: FastAPI, server: ServerSettings) -> ASGIApp:
    origins = [origin.strip() for origin in server.cors_origins.split(",") if origin.strip()]
    return edge(app, origins=origins, is_https=(server.public_url or "").startswith("https://"))
