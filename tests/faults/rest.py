"""The stores at rest: what is left when nothing moves any more."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text

from faults.stack import Stack
from neo.events.entry import REPLAY_CLAIM, Position, stream_key
from neo.streams import StreamsUnavailable

REST_SECONDS = 40.0
TURNS = text("SELECT * FROM chat_turns WHERE tenant_id = :tenant ORDER BY session_id, turn_no")
MESSAGES = text("SELECT * FROM chat_messages WHERE tenant_id = :tenant ORDER BY session_id, position")
SEGMENTS = text("SELECT * FROM turn_segments WHERE tenant_id = :tenant ORDER BY turn_id, segment")
OPEN = text(
    "SELECT count(*) FROM chat_turns WHERE tenant_id = :tenant AND status IN ('QUEUED', 'RUNNING', 'WAITING')"
)


@dataclass(frozen=True)
class Turn:
    id: str
    session_id: str
    turn_no: int
    status: str
    attempts: int
    started_at: datetime | None
    ended_at: datetime | None
    user_message_id: str
    reply_message_id: str
    finish_reason: str | None = None
    error_code: str | None = None
    # The claim at the first unsettled segment.
    claim: int = 0
    # The terminal's; 63 where readers have it from PostgreSQL only.
    terminal_claim: int | None = None

    @property
    def ends_unwritten(self) -> bool:
        return self.terminal_claim == REPLAY_CLAIM


@dataclass(frozen=True)
class Segment:
    turn_id: str
    segment: int
    kind: str
    claim: int
    last_n: int | None
    text: str


@dataclass(frozen=True)
class Message:
    id: str
    session_id: str
    turn_id: str
    role: str
    text: str
    client_message_id: str | None


@dataclass(frozen=True)
class Kept:
    """One event as Valkey keeps it."""

    position: Position
    chunk: dict[str, Any]


@dataclass
class Rest:
    """One tenant's rows and streams, and the calls that its turns made."""

    turns: list[Turn] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    streams: dict[str, list[Kept]] = field(default_factory=dict)
    # How often the model was asked, by what was asked.
    calls: dict[str, int] = field(default_factory=dict)

    def turn(self, turn_id: str) -> Turn | None:
        return next((turn for turn in self.turns if turn.id == turn_id), None)

    def settled(self, turn_id: str) -> dict[int, Segment]:
        return {row.segment: row for row in self.segments if row.turn_id == turn_id}


async def at_rest(stack: Stack, tenant_id: UUID, seconds: float = REST_SECONDS) -> Rest:
    """Wait until no turn of the tenant is open, or the time is over, and read everything."""
    await _until_closed(stack, tenant_id, seconds)
    async with stack.database.transaction(tenant_id) as db:
        turns = [_turn(row) for row in await db.execute(TURNS, {"tenant": tenant_id})]
        messages = [_message(row) for row in await db.execute(MESSAGES, {"tenant": tenant_id})]
        segments = [_segment(row) for row in await db.execute(SEGMENTS, {"tenant": tenant_id})]
    streams = {one: await _stream(stack, one) for one in {turn.session_id for turn in turns}}
    calls: dict[str, int] = {}
    for call in await stack.calls():
        calls[call["text"]] = calls.get(call["text"], 0) + 1
    return Rest(turns, messages, segments, streams, calls)


async def _until_closed(stack: Stack, tenant_id: UUID, seconds: float) -> None:
    end = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < end:
        async with stack.database.transaction(tenant_id) as db:
            if not await db.scalar(OPEN, {"tenant": tenant_id}):
                return
        await asyncio.sleep(0.05)


async def _stream(stack: Stack, session_id: str) -> list[Kept]:
    try:
        kept = await stack.valkey.call("XRANGE", stream_key(session_id), "-", "+")
    except StreamsUnavailable:
        # The connections of before its restart; the next one is new.
        kept = await stack.valkey.call("XRANGE", stream_key(session_id), "-", "+")
    return [Kept(Position.of_id(name.decode()), orjson.loads(payload)) for name, (*_, payload) in kept]


def _turn(row: Any) -> Turn:
    return Turn(
        str(row.id),
        str(row.session_id),
        row.turn_no,
        row.status,
        row.attempts,
        row.started_at,
        row.ended_at,
        str(row.user_message_id),
        str(row.reply_message_id),
        row.finish_reason,
        row.error_code,
        row.claim,
        row.terminal_claim,
    )


def _message(row: Any) -> Message:
    return Message(
        *(str(row.id), str(row.session_id), str(row.turn_id), row.role),
        _said(row.parts),
        row.client_message_id,
    )


def _segment(row: Any) -> Segment:
    return Segment(str(row.turn_id), row.segment, row.kind, row.claim, row.last_n, _said(row.parts))


def _said(stored: Any) -> str:
    parts = stored if isinstance(stored, list) else orjson.loads(stored)
    return "".join(part["text"] for part in parts if part["type"] == "text")
