"""Finds the answer to one request in what a server sends: alone as JSON, or among other messages as events."""

from collections.abc import AsyncIterator
from typing import Any, TypeGuard

import httpx2
import orjson

JSON, EVENTS = "application/json", "text/event-stream"


class NoAnswerError(Exception):
    """What came is not an answer to what was asked."""


async def find_answer(response: httpx2.Response, message_id: Any) -> bytes | None:
    """The answer as JSON; None if the response is of another kind. Raises `NoAnswerError`."""
    kind = str(response.headers.get("content-type", "")).partition(";")[0].strip().lower()
    if kind == EVENTS:
        return await _among_events(response.aiter_bytes(), message_id)
    if kind != JSON:
        return None
    body = await response.aread()
    if not _is_answer(_parsed(body), message_id):
        raise NoAnswerError("The server's answer is not one to what it was asked.")
    return body


async def _among_events(chunks: AsyncIterator[bytes], message_id: Any) -> bytes:
    async for data in _events(chunks):
        # Notifications have no id. They are dropped unread: a server may send any number of them.
        if b'"id"' not in data:
            continue
        message = _parsed(data)
        if _is_answer(message, message_id):
            return data
        if not isinstance(message, dict) or message.get("method") != "ping":
            raise NoAnswerError("The server asks for what it was not offered, or answers another request.")
    raise NoAnswerError("The server's stream ended without an answer.")


async def _events(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The data of each event."""
    rest, data = b"", list[bytes]()
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            field, _, value = line.removesuffix(b"\r").partition(b":")
            if field == b"data":
                data.append(value.removeprefix(b" "))
            elif not field and not value and data:
                yield b"\n".join(data)
                data = []


def _parsed(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise NoAnswerError("The server's answer is not JSON.") from error


def _is_answer(message: Any, message_id: Any) -> TypeGuard[dict[str, Any]]:
    """Whether this answers the request. A request that could not be read is refused without its id."""
    if not isinstance(message, dict) or not {"result", "error"} & message.keys():
        return False
    return message.get("id") == message_id or (message.get("id") is None and "error" in message)
