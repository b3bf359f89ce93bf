"""The outermost middleware: a request's id, its timings, its headers and its one log line."""

import re
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from uuid import uuid4

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from neo.api.errors import PROBES, bug_response
from neo.telemetry import process_metrics, traces

log = structlog.get_logger()

REQUEST_ID = b"x-request-id"
# Whatever ids a caller uses, as long as a line of the log stays one.
CALLERS_ID = re.compile(rb"[!-~]{1,128}")
STATUS_OF_BUGS = 500
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"})
TRACEPARENT = b"traceparent"


class Phases:
    """How long each phase of a request took, for `meta.timings_ms`."""

    __slots__ = ("_marked", "_spent_ms", "_started")

    def __init__(self) -> None:
        self._started = self._marked = time.perf_counter()
        self._spent_ms: dict[str, float] = {}

    def mark(self, phase: str) -> None:
        """Add the time since the last mark to this phase."""
        now = time.perf_counter()
        self._spent_ms[phase] = self._spent_ms.get(phase, 0.0) + (now - self._marked) * 1000
        self._marked = now

    @property
    def seconds(self) -> float:
        """Since the request began."""
        return time.perf_counter() - self._started

    def timings_ms(self) -> dict[str, float]:
        total = (time.perf_counter() - self._started) * 1000
        return {name: round(spent, 2) for name, spent in (*self._spent_ms.items(), ("total", total))}


class RequestScope:
    def __init__(self, app: ASGIApp, *, headers: Mapping[str, str]) -> None:
        """`headers` are added to each answer."""
        self._app = app
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state.update(request_id=str(uuid4()), phases=Phases(), headers=dict(self._headers))
        answer = _Answer(scope, send)
        # A later request on the same connection inherits the context variables of the earlier one.
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=state["request_id"], **_callers_id(scope))
        with _traced(scope) as span:
            if span.trace_id is not None:
                structlog.contextvars.bind_contextvars(trace_id=span.trace_id)
            try:
                await self._app(scope, receive, answer.send)
            except Exception:
                # An error inside the application was logged and answered there; its 500 is already sent.
                if answer.status != STATUS_OF_BUGS:
                    log.exception("request_broke")
                if not answer.status:
                    await bug_response(HTTPConnection(scope))(scope, receive, answer.send)
            finally:
                answer.log()
                answer.describe(span)


class _Answer:
    """Adds the headers of every answer, and remembers the status for the log."""

    __slots__ = ("_scope", "_send", "status")

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["x-request-id"] = self._scope["state"]["request_id"]
            headers.update(self._scope["state"]["headers"])
        await self._send(message)

    @property
    def _route(self) -> str | None:
        return getattr(self._scope.get("route"), "path", None)

    def describe(self, span: traces.Spanned) -> None:
        span.rename(f"{self._scope['method']} {self._route or 'no route'}")
        span.say(http__route=self._route or "", http__response__status_code=self.status)
        if self.status >= STATUS_OF_BUGS:
            span.fail(str(self.status))

    def log(self) -> None:
        method, route = self._scope["method"], self._route
        # A label must not take what callers choose freely: unknown methods and paths become one value each.
        counted_as = method if method in METHODS else "other"
        process_metrics.requests.labels(counted_as, route or "none", self.status).inc()
        log.info(
            "request",
            method=method,
            route=route,
            status=self.status,
            **self._scope["state"]["phases"].timings_ms(),
        )


def _traced(scope: Scope) -> AbstractContextManager[traces.Spanned]:
    """The request's span, below its caller's when that sends one."""
    # Probes come every few seconds.
    if not traces.are_made() or scope["path"] in PROBES:
        return traces.NO_SPAN
    parent = next((value for name, value in scope["headers"] if name == TRACEPARENT), None)
    return traces.span(
        scope["method"],
        kind="SERVER",
        parent=parent.decode("latin-1") if parent else None,
        http__request__method=scope["method"],
        neo__request_id=scope["state"]["request_id"],
    )


def add_headers(connection: HTTPConnection, headers: dict[str, str]) -> None:
    """Headers that are added to this request's answer, be it a success or an error."""
    connection.scope["state"]["headers"].update(headers)


def phases_of(request: HTTPConnection) -> Phases:
    phases: Phases = request.scope["state"]["phases"]
    return phases


def _callers_id(scope: Scope) -> dict[str, str]:
    """The id that the caller gave, for the log. The request's own id is never theirs: they choose it as they like."""
    given = next((value for name, value in scope["headers"] if name == REQUEST_ID), b"")
    return {"caller_request_id": given.decode("ascii")} if CALLERS_ID.fullmatch(given) else {}
