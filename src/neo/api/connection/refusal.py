from uuid import uuid4

import orjson

from neo.api.wire_rules import MalformedRequest


def refusal(message: str) -> bytes:
    """The whole answer to what is no request, and so reaches no application."""
    error = {"code": MalformedRequest.code, "message": message}
    request_id = str(uuid4())
    body = orjson.dumps({"error": error, "meta": {"request_id": request_id}})
    head = (
        "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncache-control: no-store\r\n"
        f"x-request-id: {request_id}\r\nx-content-type-options: nosniff\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body
