"""An answer waits for its reader for a bounded time, whatever the answer is."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

import neo.api.connection.bounded
import neo.api.connection.read_timeout
from neo.api.connection import at_most

# Beyond all that the kernel holds for a connection.
ANSWER_BYTES = 16 * 1024 * 1024
READ_SECONDS = 0.5
CONNECTIONS_MAX = 3


@pytest.fixture
async def port(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    async def app(scope: Scope, __: Receive, send: Send) -> None:
        if scope["method"] == "PUT":
            await send({"type": "http.response.start", "status": 413, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body"})
            return
        headers = [(b"content-length", b"%d" % ANSWER_BYTES)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": bytes(ANSWER_BYTES)})

    monkeypatch.setattr(neo.api.connection.read_timeout, "READ_SECONDS", READ_SECONDS)
    monkeypatch.setattr(neo.api.connection.bounded, "HEAD_SECONDS", READ_SECONDS)
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, http=at_most(CONNECTIONS_MAX), log_config=None, lifespan="off", ws="none")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    yield listening.getsockname()[1]
    server.should_exit = True
    await serving
    listening.close()


async def asked(port: int) -> socket.socket:
    client = socket.socket()
    client.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(client, ("127.0.0.1", port))
    await loop.sock_sendall(client, b"GET / HTTP/1.1\r\nhost: neo\r\n\r\n")
    return client


async def read(client: socket.socket, *, pause_seconds: float) -> int:
    loop, received = asyncio.get_running_loop(), 0
    with client, suppress(ConnectionResetError):
        while received < ANSWER_BYTES and (more := await loop.sock_recv(client, 2 * 1024 * 1024)):
            received += len(more)
            await asyncio.sleep(pause_seconds)
    return received


async def test_who_takes_nothing_of_an_answer_is_cut(port: int) -> None:
    client = await asked(port)

    await asyncio.sleep(3 * READ_SECONDS)

    assert await read(client, pause_seconds=0) < ANSWER_BYTES


async def test_who_reads_slowly_gets_all_of_it(port: int) -> None:
    client = await asked(port)

    assert await read(client, pause_seconds=READ_SECONDS / 5) >= ANSWER_BYTES


@pytest.mark.parametrize("sent_bytes", [0, 5_000_000])
async def test_who_is_refused_while_they_send_reads_why_and_is_closed_on_after_a_while(
    port: int, sent_bytes: int
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"PUT / HTTP/1.1\r\nhost: neo\r\ncontent-length: 9999999\r\n\r\n" + bytes(sent_bytes))

    # Sooner than a connection without a request is closed.
    async with asyncio.timeout(8 * READ_SECONDS):
        await writer.drain()
        told = await reader.read()
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()

    assert told.startswith(b"HTTP/1.1 413")


async def test_a_connection_too_many_is_told_so_and_closed(port: int) -> None:
    held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(CONNECTIONS_MAX)]

    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    told = await reader.read()
    for _, one in (*held, (reader, writer)):
        one.close()
        await one.wait_closed()

    assert told.startswith(b"HTTP/1.1 503")
    assert b"retry-after: " in told
    assert json.loads(told.partition(b"\r\n\r\n")[2])["error"]["code"] == "too_many_connections"
