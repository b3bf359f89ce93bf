"""A stream with nothing behind it: raw ASGI, one message a token."""

import json
from typing import Any

from model import words

HEADERS = [(b"content-type", b"text/event-stream")]


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        return await _live(receive, send)
    asked = await receive()
    if scope["method"] == "GET":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        return await send({"type": "http.response.body", "body": b"ok"})
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    async for word in words(json.loads(asked["body"])["message"]):
        frame = b'data: {"text":"%b"}\n\n' % word.encode()
        await send({"type": "http.response.body", "body": frame, "more_body": True})
    return await send({"type": "http.response.body", "body": b"data: [DONE]\n\n"})


async def _live(receive: Any, send: Any) -> None:
    while True:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return
