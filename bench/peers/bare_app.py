"""A stream with nothing behind it: raw ASGI, one message a token. The message says what is answered."""

import asyncio
import json
from typing import Any

HEADERS = [(b"content-type", b"text/event-stream")]


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        return await _live(receive, send)
    asked = await receive()
    if scope["method"] == "GET":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        return await send({"type": "http.response.body", "body": b"ok"})
    tokens, delay_seconds = scenario(json.loads(asked["body"])["message"])
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    for number in range(1, tokens + 1):
        frame = b'id: %d\ndata: {"text":"w%d "}\n\n' % (number, number)
        await send({"type": "http.response.body", "body": frame, "more_body": True})
        if delay_seconds:
            await asyncio.sleep(delay_seconds)
    await send({"type": "http.response.body", "body": b"data: [DONE]\n\n"})
    return None


async def _live(receive: Any, send: Any) -> None:
    while True:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return


def scenario(message: str) -> tuple[int, float]:
    """`tokens=50,delay_ms=10` as (50, 0.01)."""
    said = dict(part.split("=") for part in message.split(","))
    return int(said["tokens"]), int(said.get("delay_ms", 0)) / 1000
