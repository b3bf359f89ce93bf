"""What a settled segment of a turn says to readers who did not get it from the stream: the same each time."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from neo.events import REPLAY_CLAIM, Chunk, Position, envelope
from neo.turns.models import ChatTurn, TurnSegment
from neo.turns.render import start_chunk

# A model that stopped for its calls goes on with its step in the next segment, which ends it.
ASKS_FOR_CALLS = "tool-calls"


async def read_segments(db: AsyncSession, turn: ChatTurn) -> Sequence[TurnSegment]:
    """What the turn has settled, in order."""
    mine = (TurnSegment.tenant_id == turn.tenant_id, TurnSegment.turn_id == turn.id)
    return (await db.scalars(select(TurnSegment).where(*mine).order_by(TurnSegment.segment))).all()


def segment_chunks(turn: ChatTurn, row: TurnSegment) -> list[Chunk]:
    """What the model said, in as few deltas as may be. What its tools answered was stored as it was sent."""
    if row.kind == "CALLS":
        chunks = [envelope.of_wire(wire) for wire in row.replay or []]
    else:
        chunks = [start_chunk(turn)] if row.segment == 1 else []
        chunks += _step(row)
    # A reader that has got a segment is in it, so there is something of each.
    return chunks or [envelope.message_metadata({})]


def segment_end(turn: ChatTurn, row: TurnSegment) -> Position:
    """Where a reader is that has this segment and all before it."""
    if row.last_n is None:
        # Nobody streamed it, so it is known by its replay.
        return Position(turn.turn_no, row.segment, REPLAY_CLAIM, len(segment_chunks(turn, row)))
    return Position(turn.turn_no, row.segment, row.claim, row.last_n)


def _step(row: TurnSegment) -> list[Chunk]:
    """Its part ids carry the claim of replays, so that no part that was streamed has the same."""
    chunks = [envelope.start_step()]
    for index, part in enumerate(row.parts):
        chunks += _part(part, f"{part['type']}-{row.segment}-{REPLAY_CLAIM}-{index}")
    if row.finish_reason != ASKS_FOR_CALLS:
        chunks.append(envelope.finish_step())
    return chunks


def _part(part: dict[str, Any], part_id: str) -> list[Chunk]:
    if part["type"] == "text":
        return [
            envelope.text_start(part_id),
            *envelope.split(envelope.text_delta(part_id, part["text"])),
            envelope.text_end(part_id),
        ]
    if part["type"] == "reasoning":
        return [
            envelope.reasoning_start(part_id),
            *envelope.split(envelope.reasoning_delta(part_id, part["text"])),
            envelope.reasoning_end(part_id),
        ]
    return []
