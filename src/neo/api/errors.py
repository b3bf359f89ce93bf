import re
from typing import Any

import orjson
import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from neo.errors import Failure, Kind
from neo.telemetry import process_metrics

log = structlog.get_logger()

# `{path:path}` in a route is `{path}` in the document.
# A probe asks only whether there is an answer. These paths take HEAD, which is no operation of the document.
PROBES = frozenset({"/public-api/health", "/public-api/ready"})
CONVERTOR = re.compile(r":[a-z]+\}")
STATUSES: dict[Kind, int] = {
    Kind.MALFORMED: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.NOT_ALLOWED: 405,
    Kind.CONFLICT: 409,
    Kind.TOO_LARGE: 413,
    Kind.UNSUPPORTED: 415,
    Kind.INVALID: 422,
    Kind.RATE_LIMITED: 429,
    Kind.UNAVAILABLE: 503,
}


class RouteNotFound(Failure):
    """No such path."""

    kind = Kind.NOT_FOUND
    code = "route_not_found"
    remedy = "See `/public-api/openapi.json`."


class MethodNotAllowed(Failure):
    """The path does not take that method."""

    kind = Kind.NOT_ALLOWED
    code = "method_not_allowed"
    remedy = "See the header `Allow`."


class InvalidParameters(Failure):
    """A field or a parameter has the wrong type or value."""

    kind = Kind.INVALID
    code = "validation_error"
    remedy = "See `details.fields`."


def error_response(request: HTTPConnection, failure: Failure) -> Response:
    headers = {"cache-control": "no-store"}
    if failure.retry_after_seconds is not None:
        headers["retry-after"] = str(failure.retry_after_seconds)
    if failure.kind is Kind.UNAUTHENTICATED:
        headers["www-authenticate"] = "Bearer"
    return _response(request, STATUSES[failure.kind], failure.code, failure.message, failure.details, headers)


def status_of(failure: Failure) -> int:
    return STATUSES[failure.kind]


def bug_response(request: HTTPConnection) -> Response:
    message = "Something went wrong on our side. Quote the request id when you report it."
    return _response(request, 500, "internal_error", message, {}, {"cache-control": "no-store"})


def install_error_handlers(app: FastAPI) -> None:
    app.add_exception_handler(Failure, _on_failure)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_failure)
    app.add_exception_handler(Exception, _on_bug)


async def _on_bug(request: Request, error: Exception) -> Response:
    # The log gets the whole error and the answer nothing of it. The framework raises it on to `RequestScope`.
    log.error("request_broke", exc_info=error)
    return bug_response(request)


async def _on_failure(request: Request, error: Exception) -> Response:
    if isinstance(error, Failure):
        return _refused(request, error)
    assert isinstance(error, RequestValidationError)  # noqa: S101
    fields = {str(problem["loc"][-1]): problem["msg"] for problem in error.errors()}
    return error_response(
        request, InvalidParameters("Some parameters are not valid.", details={"fields": fields})
    )


def _refused(request: HTTPConnection, failure: Failure) -> Response:
    """The answer to a failure, which is also logged and counted."""
    log.info(
        "refused", code=failure.code, cause=type(failure.__cause__).__name__ if failure.__cause__ else None
    )
    if failure.kind is Kind.RATE_LIMITED:
        process_metrics.rate_limited.labels(failure.code).inc()
    return error_response(request, failure)


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    if error.status_code == STATUSES[Kind.NOT_ALLOWED]:
        response = error_response(request, MethodNotAllowed("This path does not take that method."))
        response.headers.update({**(error.headers or {}), **_allowed(request)})
        return response
    return error_response(request, RouteNotFound("No such path: see /public-api/openapi.json."))


def _allowed(request: Request) -> dict[str, str]:
    """All methods of the path; the framework lists only those of the first route with that path."""
    path = getattr(request.scope.get("route"), "path", "")
    methods = request.app.openapi()["paths"].get(CONVERTOR.sub("}", path), ())
    taken = {method.upper() for method in methods} | ({"HEAD"} if path in PROBES else set())
    return {"allow": ", ".join(sorted(taken))} if methods else {}


def _response(
    request: HTTPConnection,
    status: int,
    code: str,
    message: str,
    details: dict[str, Any],
    headers: dict[str, str],
) -> Response:
    error: dict[str, Any] = {"code": code, "message": message}
    if details:
        error["details"] = details
    body = {"error": error, "meta": {"request_id": request.scope["state"]["request_id"]}}
    return Response(orjson.dumps(body, default=str), status, headers, "application/json")
