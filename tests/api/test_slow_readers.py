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
from neo.api.connection.bounded import CONNECTION

# Beyond all that the kernel holds for a connection.
ANSWER_BYTES = 16 * 1024 * 1024
# What fits into the server's own buffer: it is all written, and then waits for its reader.
WRITTEN_BYTES = 60_000
KERNEL_BYTES = 4096
READ_SECONDS = 0.5
CONNECTIONS_MAX = 3


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[uvicorn.Server]:
    async def app(scope: Scope, __: Receive, send: Send) -> None:
        if scope["method"] == "PUT":
            await send({"type": "http.response.start", "status": 413, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body"})
            return
        own = scope[CONNECTION].transport.get_extra_info("socket")
        if (size := int(scope["path"][1:] or ANSWER_BYTES)) < ANSWER_BYTES:
            own.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BYTES)
        headers = [(b"content-length", b"%d" % size)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": bytes(size)})

    monkeypatch.setattr(neo.api.connection.read_timeout, "READ_SECONDS", READ_SECONDS)
    monkeypatch.setattr(neo.api.connection.bounded, "HEAD_SECONDS", READ_SECONDS)
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, http=at_most(CONNECTIONS_MAX), log_config=None, lifespan="off", ws="none")
    config.port = listening.getsockname()[1]
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    yield server
    server.should_exit = server.force_exit = True
    await serving
    listening.close()


@pytest.fixture
def port(server: uvicorn.Server) -> int:
    return int(server.config.port)


async def asked(port: int, size: int | None = None) -> socket.socket:
    client = socket.socket()
    client.setblocking(False)
    if size is not None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, KERNEL_BYTES)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(client, ("127.0.0.1", port))
    await loop.sock_sendall(client, f"GET /{size or ''} HTTP/1.1\r\nhost: neo\r\n\r\n".encode())
    return client


async def no_connection(server: uvicorn.Server) -> None:
    while not server.server_state.total_requests or server.server_state.connections:
        await asyncio.sleep(READ_SECONDS / 20)


async def read(client: socket.socket, *, pause_seconds: float) -> int:
    loop, received = asyncio.get_running_loop(), 0
    with client, suppress(ConnectionResetError):
        while received < ANSWER_BYTES and (more := await loop.sock_recv(client, 2 * 1024 * 1024)):
            received += len(more)
            await asyncio.sleep(pause_seconds)
    return received


@pytest.mark.parametrize("size", [None, WRITTEN_BYTES])
async def test_who_takes_nothing_of_an_answer_is_cut(
    server: uvicorn.Server, port: int, size: int | None
) -> None:
    client = await asked(port, size)

    # Sooner than a connection without a request is closed.
    async with asyncio.timeout(6 * READ_SECONDS):
        await no_connection(server)

    assert await read(client, pause_seconds=0) < (size or ANSWER_BYTES)


async def test_who_is_never_done_with_an_answer_is_cut(
    monkeypatch: pytest.MonkeyPatch, server: uvicorn.Server, port: int
) -> None:
    monkeypatch.setattr(neo.api.connection.read_timeout, "ANSWER_SECONDS_MAX", READ_SECONDS)
    client = await asked(port)

    received = await read(client, pause_seconds=READ_SECONDS / 2)

    assert received < ANSWER_BYTES
    assert not server.server_state.connections


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
