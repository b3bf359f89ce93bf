"""Tails over HTTP, through a real uvicorn on loopback."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import httpx2
import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from events.client import PATIENCE_SECONDS, Client
from events.speaker import Speaker
from events.stage import Session
from neo.api.connection import BoundedConnection
from neo.api.connection.read_timeout import NO_LINGER
from neo.events import since_cursor
from neo.tails.open import TailResponse
from neo.tails.tail import SEND_BYTES_MAX, joined

SEND_SECONDS = 0.5


@pytest.fixture
async def port(session: Session) -> AsyncIterator[int]:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        since = scope["query_string"].decode() or None
        response = TailResponse(
            await session.tail(since), headers={"x-request-id": "r"}, send_seconds=SEND_SECONDS
        )
        await response(scope, receive, send)

    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app,
        http=BoundedConnection,
        log_config=None,
        lifespan="off",
        ws="none",
        proxy_headers=False,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    yield listening.getsockname()[1]
    server.should_exit = True
    await serving
    listening.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():
            await asyncio.sleep(0.01)


async def request(port: int, since: str, *, receive_bytes: int | None = None) -> socket.socket:
    client = socket.socket()
    if receive_bytes is not None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    client.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(client, ("127.0.0.1", port))
    await loop.sock_sendall(client, f"GET /?{since} HTTP/1.1\r\nhost: neo\r\n\r\n".encode())
    return client


async def read_to_end(client: socket.socket) -> bytes:
    loop = asyncio.get_running_loop()
    received = b""
    # A reader that was cut has a reset for its end.
    async with asyncio.timeout(PATIENCE_SECONDS):
        with suppress(ConnectionResetError):
            while more := await loop.sock_recv(client, 65536):
                received += more
    return received


async def say_much(speaker: Speaker, events: int) -> None:
    for _ in range(events):
        speaker.say("x" * 10_000)
        await speaker.writer.flush(5)


async def test_h10_the_response_has_the_sdks_headers_and_the_turn(session: Session, port: int) -> None:
    await session.whole_turn("hello")
    async with httpx2.AsyncClient(trust_env=False, verify=False) as http:
        response = await http.get(f"http://127.0.0.1:{port}/?{since_cursor(1)}")

    expected = {
        "content-type": "text/event-stream",
        "cache-control": "no-store, no-transform",
        "x-vercel-ai-ui-message-stream": "v1",
        "x-accel-buffering": "no",
        "x-content-type-options": "nosniff",
        "x-request-id": "r",
    }
    assert expected.items() <= response.headers.items()
    assert "content-encoding" not in response.headers
    client = Client()
    client.take(response.content)
    assert client.comments == [": stream-open"]
    assert client.text == "hello"
    assert client.is_done


async def test_the_response_begins_before_there_is_anything_to_say(session: Session, port: int) -> None:
    async with (
        httpx2.AsyncClient(trust_env=False, verify=False) as http,
        http.stream("GET", f"http://127.0.0.1:{port}/") as response,
    ):
        first = await asyncio.wait_for(anext(response.aiter_raw()), 1)

    assert first == b": stream-open\n\n"


async def test_a_client_that_goes_away_frees_everything_at_once(session: Session, port: int) -> None:
    subscriptions = session.events.subscriptions
    before = subscriptions.sessions
    clients = [await request(port, "") for _ in range(20)]
    await until(lambda: len(session.open_tails) == 20 and subscriptions.sessions == before + 1)
    for client in clients:
        client.close()

    async with asyncio.timeout(10):
        await until(lambda: len(session.open_tails) == 0)
    await until(lambda: subscriptions.sessions == before)


async def test_a_client_that_asked_for_more_behind_its_tail_frees_it_when_it_goes(
    session: Session, port: int
) -> None:
    speaker = await session.speaker()
    client = await request(port, since_cursor(1))
    await until(lambda: len(session.open_tails) == 1)
    await asyncio.get_running_loop().sock_sendall(client, b"GET / HTTP/1.1\r\nhost: neo\r\n\r\n" * 3)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
    client.close()

    # While requests wait, nothing is read from the connection: what is written finds out that it has gone.
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(session.open_tails) > 0:
            await say_much(speaker, 1)

    assert len(session.open_tails) == 0


async def test_a_slow_reader_is_cut_and_can_go_on_while_nobody_waits(session: Session, port: int) -> None:
    speaker = await session.speaker()
    slow = await request(port, since_cursor(1), receive_bytes=4096)
    await until(lambda: len(session.open_tails) == 1)
    async with session.reader(since_cursor(1)) as other:
        await say_much(speaker, 800)
        await other.until_text(speaker.text)
        await until(lambda: len(session.open_tails) == 1)
        body = await read_to_end(slow)
        slow.close()
        await speaker.finish()
        await other.until_ended()

    assert b"[DONE]" not in body
    assert not body.endswith(b"0\r\n\r\n")
    last_id = body[: body.rindex(b"\ndata: ")].rpartition(b"id: ")[2].decode()
    # The last event may have been cut in two: a client goes on from the one before.
    left, n = last_id.split("-")
    before = Client()
    before.received = [event for event in other.received if int((event.id or "0-0").split("-")[1]) < int(n)]
    rest = await session.read(f"{left}-{int(n) - 1}")
    assert before.received + rest.received == other.received


async def test_a_reader_that_is_only_a_little_slow_gets_all(session: Session, port: int) -> None:
    speaker = await session.speaker()
    reader = await request(port, since_cursor(1), receive_bytes=4096)
    await say_much(speaker, 100)
    reading = asyncio.create_task(read_to_end(reader))
    await speaker.finish()
    await until(lambda: len(session.open_tails) == 0)
    reader.shutdown(socket.SHUT_WR)
    body = await reading
    reader.close()

    assert body.count(b"x" * 10_000) == 100
    assert b"data: [DONE]" in body


def test_frames_at_hand_are_sent_together_up_to_a_bound() -> None:
    small, huge = b"x" * 1_000, b"y" * (2 * SEND_BYTES_MAX)
    frames = [small] * 200 + [huge] + [small]

    pieces = list(joined(frames))

    assert b"".join(pieces) == b"".join(frames)
    assert all(len(piece) <= SEND_BYTES_MAX or piece == huge for piece in pieces)
    assert len(pieces) == 6
    assert list(joined([])) == []


async def test_a_shutdown_ends_the_response_properly(
    session: Session, port: int, closing: asyncio.Event
) -> None:
    async with httpx2.AsyncClient(trust_env=False, verify=False) as http:
        reading = asyncio.create_task(http.get(f"http://127.0.0.1:{port}/"))
        await until(lambda: len(session.open_tails) == 1)
        closing.set()
        response = await reading

    client = Client()
    client.take(response.content)
    assert client.retry_ms is not None
    assert not client.is_done
