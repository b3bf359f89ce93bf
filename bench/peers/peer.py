"""What a peer is to the benchmark: how it is installed, started and talked to."""

import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from urllib.parse import urlencode

from bench.children import serving
from bench.event_counter import EventCounter, Turn
from bench.http_connection import HttpConnection, request, value_of

from neo.engines.ports import free_port

APPS = Path(__file__).parent / "apps"
PLACE = Path(__file__).parent.parent / ".peers"


@dataclass(frozen=True)
class Speech:
    """How a user speaks: perhaps a call that makes a thread, then turns whose answer is the post's."""

    text: re.Pattern[bytes]
    path: str
    # The body of a turn, of the thread's id and the message.
    body: Callable[[str, str], Mapping[str, object]]
    thread_path: str = ""
    thread_name: str = ""
    is_form: bool = False


@dataclass(frozen=True)
class Peer:
    name: str
    packages: tuple[str, ...]
    speech: Speech
    # Of a port, after the environment's own Python.
    arguments: Callable[[int], tuple[str, ...]]
    health: str
    python: str = "3.11"
    environment: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    needs_engines: bool = False


@dataclass(frozen=True)
class Running:
    port: int
    pids: Mapping[str, int]
    up_seconds: float


@asynccontextmanager
async def peer_running(peer: Peer, python: Path, environment: Mapping[str, str]) -> AsyncIterator[Running]:
    port = free_port()
    PLACE.mkdir(exist_ok=True)
    async with serving(
        (str(python), *peer.arguments(port)),
        port,
        peer.health,
        log=PLACE / f"{peer.name}.log",
        folder=APPS,
        environment={**peer.environment, **environment},
    ) as (pid, up_seconds):
        yield Running(port, {"server": pid}, up_seconds)


class PeerUser:
    """Posts, and hears the answer on the same response; accepted means that its first bytes are here."""

    def __init__(self, port: int, speech: Speech, message: str) -> None:
        self._port = port
        self._speech = speech
        self._message = message
        self._connection: HttpConnection | None = None
        self._thread = ""

    async def begin(self) -> None:
        self._connection = await HttpConnection.open(self._port)
        if self._speech.thread_path:
            made = await self._connection.ask(request("POST", self._speech.thread_path, body=b"{}"))
            self._thread = value_of(made, self._speech.thread_name)

    async def turn(self) -> Turn:
        assert self._connection is not None
        counter, heard = EventCounter(self._speech.text), list[float]()

        def on_data(data: bytes) -> None:
            heard.append(perf_counter())
            counter.receive(data)

        began = perf_counter()
        await self._connection.listen(self._request(), on_data)
        return Turn(began, (heard[0] - began) * 1000, (perf_counter() - began) * 1000, counter)

    def leave(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def _request(self) -> bytes:
        path = self._speech.path.format(thread=self._thread)
        body = self._speech.body(self._thread, self._message)
        if not self._speech.is_form:
            return request("POST", path, body=json.dumps(body).encode())
        sent = urlencode({name: str(value) for name, value in body.items()}).encode()
        return request("POST", path, body=sent).replace(
            b"application/json", b"application/x-www-form-urlencoded"
        )
