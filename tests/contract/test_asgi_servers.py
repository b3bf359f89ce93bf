"""The API is an ASGI application and no more: it runs under any server of that kind."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from typing import Any, cast

import pytest
import uvicorn
from hypercorn.asyncio import serve
from hypercorn.config import Config
from hypercorn.typing import Framework
from starlette.types import ASGIApp

from journeys.test_halves import environment
from neo.app import build_app
from neo.resources import open_resources
from neo.settings import read_settings
from support.client import SESSIONS, Client, reply_of, text_of
from support.server import Server

Run = Callable[[ASGIApp, socket.socket, asyncio.Event], Coroutine[Any, Any, None]]


async def under_hypercorn(app: ASGIApp, listening: socket.socket, stop: asyncio.Event) -> None:
    config = Config()
    config.bind = [f"fd://{listening.detach()}"]
    await serve(cast(Framework, app), config, shutdown_trigger=stop.wait)


async def under_uvicorn_with_h11(app: ASGIApp, listening: socket.socket, stop: asyncio.Event) -> None:
    server = uvicorn.Server(uvicorn.Config(app, http="h11", log_config=None))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    await stop.wait()
    server.should_exit = True
    await serving


@pytest.fixture(params=[under_hypercorn, under_uvicorn_with_h11], ids=["hypercorn", "uvicorn-h11"])
async def url(
    request: pytest.FixtureRequest, server: Server, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[str]:
    """A second API on the server's engines, under another ASGI server."""
    run: Run = request.param
    secret = (server.data / "secret").read_text().strip()
    for name, value in {**environment(server.addresses), "NEO_SECRET_KEY": secret}.items():
        monkeypatch.setenv(name, value)
    settings = read_settings()
    closing = asyncio.Event()
    app = build_app(open_resources(settings), settings, closing)
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    serving = asyncio.create_task(run(app, listening, closing))
    yield f"http://127.0.0.1:{port}"
    closing.set()
    await serving
    with suppress(OSError):
        listening.close()


async def test_a_message_is_answered_over_its_tail(url: str, server: Server) -> None:
    client = Client(url, server.api_key)
    session = await client.open()

    accepted = await client.say(session, "Hello")
    events = await client.events(session, accepted["since_cursor"])

    assert events[-1].type == "finish"
    assert text_of(events) == reply_of(await client.messages(session), accepted["chat_turn_id"]) != ""
    await client.http.aclose()


async def test_whoever_brings_no_key_is_401(url: str) -> None:
    nobody = Client(url, "")

    answer = await nobody.http.get(SESSIONS)

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthenticated")
    await nobody.http.aclose()
