"""What is refused on every path before the caller is known: what another server on the way could read otherwise."""

import re
from urllib.parse import parse_qsl

import structlog
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from neo.api.errors import error_response
from neo.errors import Failure, Kind

log = structlog.get_logger()

HEADER_BYTES_MAX = 16 * 1024
HOST, TRANSFER_ENCODING = b"host", b"transfer-encoding"
# A name or an address, and a port. Some clients of an address send an empty one.
HOST_SHAPE = re.compile(rb"([A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(:[0-9]{0,5})?")
# A route's pattern ends before a line end, and a decoded slash is taken for a real one.
UNFIT_IN_PATHS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
ENCODED_SLASH = re.compile(rb"%2f", re.IGNORECASE)


class HeadersTooLarge(Failure):
    """The headers have more than 16 KiB together."""

    kind = Kind.MALFORMED
    code = "headers_too_large"
    remedy = "Send fewer."


class RepeatedParameter(Failure):
    """A query parameter or `Last-Event-ID` was sent twice."""

    # One parser takes the first value, another the last.
    kind = Kind.MALFORMED
    code = "repeated_parameter"
    remedy = "Send it once."


class MalformedRequest(Failure):
    """It is not HTTP that every server reads alike: its framing, its `Host`, control characters or encoded slashes in
    its path; or its head, or what stands beside its body, is larger than 64 KiB. The connection is closed.
    """

    kind = Kind.MALFORMED
    code = "malformed_request"
    remedy = "Send it with an HTTP library."


class WireRules:
    """`method`: only requests of this one are looked at."""

    def __init__(self, app: ASGIApp, *, method: str | None = None) -> None:
        self._app = app
        self._method = method

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_ruled = scope["type"] == "http" and self._method in (None, scope["method"])
        failure = _found_wrong(scope) if is_ruled else None
        if failure is None:
            await self._app(scope, receive, send)
        else:
            log.info("refused", code=failure.code)
            response = error_response(HTTPConnection(scope), failure)
            if scope["http_version"].startswith("1"):
                # Where this request ends, and whose the next bytes are, others may see otherwise too.
                response.headers["connection"] = "close"
            await response(scope, receive, send)


def _found_wrong(scope: Scope) -> Failure | None:
    headers = scope["headers"]
    if sum(len(name) + len(value) for name, value in headers) > HEADER_BYTES_MAX:
        return HeadersTooLarge(f"The headers have at most {HEADER_BYTES_MAX} bytes together.")
    if not _has_one_host(scope):
        return MalformedRequest("Send one `Host`: a name or an address, and its port.")
    if not _is_framed_plainly(scope):
        return MalformedRequest(
            "Send a body with its `Content-Length`, or in HTTP/1.1 as `chunked` and no more."
        )
    if UNFIT_IN_PATHS.search(scope["path"]) or ENCODED_SLASH.search(scope.get("raw_path") or b""):
        return MalformedRequest("A path has no control characters and no encoded slashes.")
    names = [name for name, _ in parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)]
    if len(names) != len(set(names)):
        return RepeatedParameter("Send each query parameter once.")
    return None


def _has_one_host(scope: Scope) -> bool:
    """HTTP/1.0 knows none. Later versions have it, or their servers make it from what says the same."""
    hosts = _values(scope, HOST)
    if not hosts:
        return bool(scope["http_version"] == "1.0")
    return len(hosts) == 1 and HOST_SHAPE.fullmatch(hosts[0]) is not None


def _is_framed_plainly(scope: Scope) -> bool:
    """HTTP/1.0 has no chunks, and other codings are not undone here: who on the way takes them as what is not known."""
    codings = _values(scope, TRANSFER_ENCODING)
    return not codings or (
        scope["http_version"] != "1.0" and [one.lower() for one in codings] == [b"chunked"]
    )


def _values(scope: Scope, wanted: bytes) -> list[bytes]:
    return [value for name, value in scope["headers"] if name == wanted]
