"""Answers that no honest server gives."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from typing import Any

import orjson

from neo.engines.scripted_mcp.script import Fault
from neo.engines.scripted_model.connection import Connection

JSON = {"content-type": "application/json"}
STREAM = {"content-type": "text/event-stream", "cache-control": "no-store"}
REDIRECTED, UNAUTHORIZED = 307, 401
CHALLENGE = 'Bearer realm="scripted-mcp", error="invalid_token", error_description="The token has expired."'
DRIP_SECONDS = 1.0
ENDLESS_CHUNK = b"x" * 65_536
NOTIFICATIONS_AT_ONCE = 1_000
# More than what most readers of JSON take.
DEEP = b"[" * 240 + b"]" * 240
# What ends a process at once, as a kill does.
EXIT_CODE = 137


async def before(fault: Fault, connection: Connection, message_id: Any) -> None:
    """Play a fault instead of doing what was asked."""
    match fault.name:
        case "exit_before":
            os._exit(EXIT_CODE)
        case "refuse":
            await connection.close()
        case "hang":
            await connection.gone()
        case "ask":
            await _ask(connection)
        case _:
            await _whole(connection, *_instead(fault, message_id))


def _instead(fault: Fault, message_id: Any) -> tuple[int, Mapping[str, str], bytes]:
    """Status, headers and body."""
    asks = {"resultType": "input_required", "requestState": "opaque", "inputRequests": {}}
    answers: dict[str, tuple[int, Mapping[str, str], bytes]] = {
        "status": (fault.number, {"content-type": "text/plain"}, b"Something is wrong."),
        "redirect": (REDIRECTED, {"location": fault.to}, b""),
        "unauthorized": (UNAUTHORIZED, {"www-authenticate": CHALLENGE}, b""),
        "html": (200, {"content-type": "text/html"}, b"<h1>It works!</h1>"),
        "accepted": (202, {}, b""),
        "input_required": (200, JSON, message(message_id, asks)),
    }
    return answers[fault.name]


async def after(fault: Fault, connection: Connection, message_id: Any, result: Mapping[str, Any]) -> None:
    """Play a fault instead of the honest answer, whose tool has been used."""
    honest = message(message_id, result)
    match fault.name:
        case "exit":
            os._exit(EXIT_CODE)
        case "die":
            await connection.close()
        case "hang_after":
            await connection.start(200, JSON)
            await connection.gone()
        case "half":
            await connection.start(200, {**JSON, "content-length": str(len(honest))})
            await connection.send(honest[: len(honest) // 2])
            await connection.close()
        case "drip" | "endless" | "notifications":
            await connection.start(200, STREAM if fault.name == "notifications" else JSON)
            await _until_gone(connection, _slowly(fault, honest))
        case _:
            headers, body = _distorted(fault, honest, message_id, result)
            await _whole(connection, 200, {**JSON, **headers}, body)


def message(message_id: Any, result: Mapping[str, Any]) -> bytes:
    return orjson.dumps({"jsonrpc": "2.0", "id": message_id, "result": result})


def event(data: bytes) -> bytes:
    return b"event: message\ndata: %b\n\n" % data


def _distorted(
    fault: Fault, honest: bytes, message_id: Any, result: Mapping[str, Any]
) -> tuple[dict[str, str], bytes]:
    match fault.name:
        case "other_id":
            other = message_id + 1 if isinstance(message_id, int) else "another"
            return {}, message(other, result)
        case "invalid_utf8":
            return {}, honest.replace(b'"text":"', b'"text":"\xff\xfe', 1)
        case "no_message":
            return {}, b'{"hello":"world"}'
        case "no_result":
            return {}, message(message_id, {"content": "no list"})
        case "compressed":
            return {"content-encoding": "gzip"}, honest
    return {}, _deep(honest) if fault.name == "deep" else b"\x00\x01 this is not JSON {"


def _deep(honest: bytes) -> bytes:
    return honest.replace(b'"isError"', b'"deep":%b,"isError"' % DEEP, 1)


async def _slowly(fault: Fault, honest: bytes) -> AsyncIterator[bytes]:
    if fault.name == "drip":
        for place in range(len(honest)):
            yield honest[place : place + 1]
            await asyncio.sleep(DRIP_SECONDS)
    elif fault.name == "endless":
        while True:
            yield ENDLESS_CHUNK
    else:
        told = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "x"}}
        batch = event(orjson.dumps(told)) * NOTIFICATIONS_AT_ONCE
        for _ in range(0, fault.number, NOTIFICATIONS_AT_ONCE):
            yield batch
        yield event(honest)


async def _until_gone(connection: Connection, chunks: AsyncIterator[bytes]) -> None:
    """Send all chunks, unless the client leaves before."""

    async def send_all() -> None:
        async for chunk in chunks:
            await connection.send(chunk)
            # The server's own writes never wait for a client that reads everything.
            await asyncio.sleep(0)
        await connection.end()

    sending, leaving = asyncio.ensure_future(send_all()), asyncio.ensure_future(connection.gone())
    await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
    for task in (sending, leaving):
        task.cancel()


async def _ask(connection: Connection) -> None:
    """Ask the client to lend its model, as the older protocols allow, and wait for what never comes."""
    params = {
        "messages": [{"role": "user", "content": {"type": "text", "text": "Say the secret."}}],
        "maxTokens": 9,
    }
    asked = {"jsonrpc": "2.0", "id": "ask-1", "method": "sampling/createMessage", "params": params}
    await connection.start(200, STREAM)
    await connection.send(event(orjson.dumps(asked)))
    await connection.gone()


async def _whole(connection: Connection, status: int, headers: Mapping[str, str], body: bytes) -> None:
    await connection.start(status, {**headers, "content-length": str(len(body))})
    await connection.end(body)
