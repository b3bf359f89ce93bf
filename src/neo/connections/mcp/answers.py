"""Finds the answer to one request in what a server sends: alone as JSON, or among other messages as events."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, TypeGuard

import httpx2
import orjson

# The protocol's library reads what is nested no deeper than about 200.
DEPTH_MAX = 128
JSON, EVENTS = "application/json", "text/event-stream"


class NoAnswerError(Exception):
    """What came is not an answer to what was asked."""


@dataclass(frozen=True, slots=True)
class Answer:
    body: bytes
    is_error: bool
    """Whether the server says that it could not be done."""


async def find_answer(response: httpx2.Response, message_id: Any) -> Answer | None:
    """None if the response is of another kind. Raises `NoAnswerError`."""
    kind = str(response.headers.get("content-type", "")).partition(";")[0].strip().lower()
    if kind == EVENTS:
        return await _among_events(response.aiter_bytes(), message_id)
    if kind != JSON:
        return None
    body = await response.aread()
    message = _parsed(body)
    if not _is_answer(message, message_id):
        raise NoAnswerError("The server's answer is not one to what it was asked.")
    return Answer(body, is_error="error" in message)


async def _among_events(chunks: AsyncIterator[bytes], message_id: Any) -> Answer:
    async for data in _events(chunks):
        # Notifications have no id. They are dropped unread: a server may send any number of them.
        if b'"id"' not in data:
            continue
        message = _parsed(data)
        if _is_answer(message, message_id):
            return Answer(data, is_error="error" in message)
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
        raise NoAnswerError("The server's answer is not JSON, or is nested too deep.") from error


def _check_depth(message: Any) -> None:
    level = [message]
    for _ in range(DEPTH_MAX):
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)
                 if isinstance(inner, dict | list)]  # fmt: skip
        if not level:
            return
    raise NoAnswerError(f"The server's answer is nested deeper than {DEPTH_MAX}.")


def _is_answer(message: Any, message_id: Any) -> TypeGuard[dict[str, Any]]:
    """Whether this answers the request. A request that could not be read is refused without its id."""
    if not isinstance(message, dict) or not {"result", "error"} & message.keys():
        return False
    is_one = message.get("id") == message_id or (message.get("id") is None and "error" in message)
    if is_one:
        _check_depth(message)
    return is_one
