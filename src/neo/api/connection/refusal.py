from uuid import uuid4

import orjson

from neo.api.wire_rules import MalformedRequest
from neo.errors import Failure, Kind


class TooManyConnections(Failure):
    """The process has as many connections open as it takes (`NEO_CONNECTIONS_MAX`). The connection is closed."""

    kind = Kind.UNAVAILABLE
    code = "too_many_connections"
    remedy = "Use connections again, and try again after `Retry-After`."


BUSY_SECONDS = 5
NO_ROOM = TooManyConnections(
    "This server has as many connections as it takes.", retry_after_seconds=BUSY_SECONDS
)


def no_room() -> bytes:
    """The whole answer to a connection that is one too many."""
    head = f"HTTP/1.1 503 Service Unavailable\r\nretry-after: {NO_ROOM.retry_after_seconds}\r\n"
    return _answer(head, NO_ROOM.code, NO_ROOM.message)


def refusal(message: str) -> bytes:
    """The whole answer to what is no request, and so reaches no application."""
    return _answer("HTTP/1.1 400 Bad Request\r\n", MalformedRequest.code, message)


def _answer(beginning: str, code: str, message: str) -> bytes:
    error = {"code": code, "message": message}
    request_id = str(uuid4())
    body = orjson.dumps({"error": error, "meta": {"request_id": request_id}})
    head = (
        f"{beginning}content-type: application/json\r\ncache-control: no-store\r\n"
        f"x-request-id: {request_id}\r\nx-content-type-options: nosniff\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body
