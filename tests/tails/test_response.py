"""Tails over HTTP, through a real uvicorn on loopback."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from typing import Any

import httpx2
import pytest
import uvicorn
from starlette.types import Message, Receive, Scope, Send

from events.stage import PATIENCE_SECONDS, Client, Session, Speaker
from neo.api.connection import BoundedConnection
from neo.api.outliving import take_rest
from neo.events import since_cursor
from neo.tails.response import TailResponse
from neo.tails.sending import BoundedSend
from neo.tails.tail import SEND_BYTES_MAX, joined

SEND_SECONDS = 0.5


@pytest.fixture
async def port(session: Session) -> AsyncIterator[int]:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        since = scope["query_string"].decode() or None
        response = TailResponse(session.tail(since), headers={"x-request-id": "r"}, send_seconds=SEND_SECONDS)
        await response(scope, receive, send)
        rest = take_rest(scope)
        assert rest is not None
        await rest(send)

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


def awaited(coroutine: Any) -> Iterator[str]:
    """The frames of coroutines that wait for each other, from the outermost down to the tail's body."""
    while coroutine is not None and coroutine.__name__ != "_send_body":
        yield coroutine.__qualname__
        coroutine = coroutine.cr_await


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
    async with httpx2.AsyncClient(trust_env=False) as http:
        response = await http.get(f"http://127.0.0.1:{port}/?{since_cursor(1)}")

    expected = {
        "content-type": "text/event-stream",
        "cache-control": "no-store",
        "connection": "keep-alive",
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
        httpx2.AsyncClient(trust_env=False) as http,
        http.stream("GET", f"http://127.0.0.1:{port}/") as response,
    ):
        first = await asyncio.wait_for(anext(response.aiter_raw()), 1)

    assert first == b": stream-open\n\n"


async def test_a_client_that_goes_away_frees_everything_at_once(session: Session, port: int) -> None:
    hub = session.events.hub()
    watched = hub.watched_sessions
    clients = [await request(port, "") for _ in range(20)]
    await until(lambda: len(session.open_tails) == 20 and hub.watched_sessions == watched + 1)
    for client in clients:
        client.close()

    async with asyncio.timeout(1):
        await until(lambda: len(session.open_tails) == 0)
    await until(lambda: hub.watched_sessions == watched)


async def test_an_open_tail_is_one_task_and_nothing_that_made_it_is_kept(session: Session, port: int) -> None:
    before = asyncio.all_tasks()
    clients = [await request(port, "") for _ in range(20)]
    await until(lambda: len(session.open_tails) == 20)
    await session.events.hub().settle()
    tails = {task for task in asyncio.all_tasks() if "run_asgi" in repr(task.get_coro())}
    frames = list(awaited(next(iter(tails)).get_coro()))
    # What all of them share is a task or two, once they are open.
    with suppress(TimeoutError):
        await until(lambda: len(asyncio.all_tasks() - before - tails) <= 2)
    shared = asyncio.all_tasks() - before - tails
    for client in clients:
        client.close()

    assert len(tails) == 20
    assert len(shared) <= 2, shared
    assert frames == ["RequestResponseCycle.run_asgi", "port.<locals>.app", "TailResponse._send_all"]


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


async def test_a_send_that_takes_too_long_is_a_timeout_and_a_cancel_stays_a_cancel() -> None:
    async def stuck(_: Message) -> None:
        await asyncio.sleep(60)

    async def quick(_: Message) -> None:
        await asyncio.sleep(0.01)

    async def send_with(send: Send, times: int) -> None:
        with BoundedSend(send, 0.1) as bounded:
            for _ in range(times):
                await bounded({"type": "x"})

    await send_with(quick, 20)
    with pytest.raises(TimeoutError):
        await send_with(stuck, 1)
    from_outside = asyncio.create_task(send_with(stuck, 1))
    await asyncio.sleep(0.02)
    from_outside.cancel()
    with pytest.raises(asyncio.CancelledError):
        await from_outside


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
    async with httpx2.AsyncClient(trust_env=False) as http:
        reading = asyncio.create_task(http.get(f"http://127.0.0.1:{port}/"))
        await until(lambda: len(session.open_tails) == 1)
        closing.set()
        response = await reading

    client = Client()
    client.take(response.content)
    assert client.retry_ms is not None
    assert not client.is_done
