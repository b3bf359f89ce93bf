"""The endpoint of the protocol: one POST is one message."""

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from neo.engines.scripted_mcp import faults
from neo.engines.scripted_mcp.faults import CHALLENGE, JSON, STREAM, UNAUTHORIZED
from neo.engines.scripted_mcp.protocol import (
    PARSE_ERROR,
    Asked,
    RefusedError,
    answer,
    check,
    read_message,
)
from neo.engines.scripted_mcp.stage import Stage, Stages
from neo.engines.scripted_model.connection import Connection

NOT_ALLOWED, ACCEPTED, NO_CONTENT = 405, 202, 204
SESSION = "mcp-session-id"


class Endpoint:
    """The ASGI application below `/mcp`."""

    def __init__(self, stages: Stages) -> None:
        self._stages = stages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        stage = self._stages.named(scope["path_params"].get("stage", ""))
        connection = Connection(scope, receive, send)
        authorization = request.headers.get("authorization")
        stage.note_request(connection.number, authorization)
        if not stage.accepts(authorization):
            await _whole(connection, UNAUTHORIZED, {"www-authenticate": CHALLENGE})
        elif request.method == "DELETE":
            stage.sessions.discard(request.headers.get(SESSION, ""))
            await _whole(connection, NO_CONTENT, {})
        elif request.method != "POST":
            await _whole(connection, NOT_ALLOWED, {"allow": "POST, DELETE"})
        else:
            await self._post(stage, await request.body(), request.headers, connection)

    async def _post(
        self, stage: Stage, body: bytes, headers: Mapping[str, str], connection: Connection
    ) -> None:
        asked: Asked | None = None
        try:
            asked = read_message(_json(body), headers)
            stage.methods[asked.method] += 1
            check(stage, asked)
            if asked.id is None:
                _take_back(stage, asked)
                await _whole(connection, ACCEPTED, {})
                return
            await self._answer(stage, asked, connection)
        except RefusedError as refused:
            told = {"jsonrpc": "2.0", "id": asked.id if asked else None, "error": refused.error}
            await _whole(connection, refused.status, JSON, orjson.dumps(told))

    async def _answer(self, stage: Stage, asked: Asked, connection: Connection) -> None:
        fault = stage.fault(asked.method, asked.tool)
        if fault is not None and fault.is_before:
            await faults.before(fault, connection, asked.id)
            return
        if asked.tool is None:
            result = await answer(stage, asked)
        else:
            found = await _unless_gone(stage, asked, connection)
            if found is None:
                await connection.close()
                return
            result = found
        if fault is not None:
            await faults.after(fault, connection, asked.id, result)
        else:
            await _honest(stage, asked, connection, result)


async def _honest(stage: Stage, asked: Asked, connection: Connection, result: Mapping[str, Any]) -> None:
    opened = {SESSION: stage.open_session()} if asked.method == "initialize" else {}
    body = faults.message(asked.id, result)
    if stage.script.stream:
        await _whole(connection, 200, {**STREAM, **opened}, faults.event(body))
    else:
        await _whole(connection, 200, {**JSON, **opened}, body)


async def _unless_gone(stage: Stage, asked: Asked, connection: Connection) -> dict[str, Any] | None:
    """The result of a call; None when it was taken back: by a message, or by closing the connection."""
    working, leaving = asyncio.ensure_future(answer(stage, asked)), asyncio.ensure_future(connection.gone())
    place = (asked.headers.get(SESSION), asked.id)
    stage.running[place] = working
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stage.running.pop(place, None)
        leaving.cancel()
    if not working.done():
        working.cancel()
        await asyncio.wait({working})
    return None if working.cancelled() else working.result()


def _take_back(stage: Stage, asked: Asked) -> None:
    if asked.method == "notifications/cancelled":
        running = stage.running.get((asked.headers.get(SESSION), asked.params.get("requestId")))
        if running is not None:
            running.cancel()


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RefusedError(PARSE_ERROR, "The body is not JSON.") from error


async def _whole(connection: Connection, status: int, headers: Mapping[str, str], body: bytes = b"") -> None:
    await connection.start(status, dict(headers))
    await connection.end(body)
