"""What a turn's settled segments say to the model: its own words, its calls, and their outcomes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from neo.llm import Outcome, Round, ToolCall
from neo.turns.models import ChatTurn, ToolCallRow, TurnSegment

# How often a model is asked in one turn; then once more, without tools.
MODEL_SEGMENTS_MAX = 20
# Where nothing that it asks for exists, it is told twice.
REFUSED_ROUNDS_MAX = 2


@dataclass
class SettledRounds:
    rounds: list[Round] = field(default_factory=list)
    # The newest MODEL segment.
    newest: TurnSegment | None = None
    refused: int = 0

    @property
    def is_over(self) -> bool:
        """Whether the model is asked once more, and not for calls."""
        return len(self.rounds) >= MODEL_SEGMENTS_MAX or self.refused >= REFUSED_ROUNDS_MAX


async def read_rounds(db: AsyncSession, turn: ChatTurn) -> SettledRounds:
    mine = (
        TurnSegment.tenant_id == turn.tenant_id,
        TurnSegment.turn_id == turn.id,
        TurnSegment.kind == "MODEL",
    )
    segments = (await db.scalars(select(TurnSegment).where(*mine).order_by(TurnSegment.segment))).all()
    calls = (
        await db.scalars(
            select(ToolCallRow)
            .where(ToolCallRow.tenant_id == turn.tenant_id, ToolCallRow.turn_id == turn.id)
            .order_by(ToolCallRow.segment, ToolCallRow.position)
        )
    ).all()
    found = SettledRounds()
    for segment in segments:
        of_segment = [call for call in calls if call.segment == segment.segment]
        found.newest = segment
        found.refused += all(call.status == "REFUSED" for call in of_segment)
        found.rounds.append(_round(segment, of_segment))
    return found


def rounds_of(parts: Sequence[dict[str, Any]]) -> tuple[list[Round], str]:
    """The rounds of a stored reply, and the text after the last of them."""
    rounds: list[Round] = []
    text, calls, outcomes = "", list[ToolCall](), list[Outcome]()
    for part in parts:
        if part["type"] == "dynamic-tool":
            call, outcome = _stored(part)
            calls.append(call)
            outcomes.append(outcome)
            continue
        if calls:
            rounds.append(Round(text, calls, outcomes))
            text, calls, outcomes = "", [], []
        if part["type"] == "text":
            text += part["text"]
    if calls:
        rounds.append(Round(text, calls, outcomes))
        text = ""
    return rounds, text


def _round(segment: TurnSegment, calls: Sequence[ToolCallRow]) -> Round:
    text = "".join(part["text"] for part in segment.parts if part["type"] == "text")
    asked = [ToolCall(call.provider_call_id, call.name, _json(call.arguments)) for call in calls]
    return Round(text, asked, [_outcome(call.provider_call_id, call.outcome or {}) for call in calls])


def _stored(part: dict[str, Any]) -> tuple[ToolCall, Outcome]:
    call = ToolCall(part["toolCallId"], part["toolName"], _json(part["input"]))
    answered = {"output": part["output"]} if "output" in part else {"error_text": part.get("errorText")}
    return call, _outcome(call.call_id, answered)


def _outcome(call_id: str, outcome: dict[str, Any]) -> Outcome:
    if "output" in outcome:
        return Outcome(call_id, _json(outcome["output"]))
    return Outcome(call_id, str(outcome.get("error_text") or "No outcome is known."), is_error=True)


def _json(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
