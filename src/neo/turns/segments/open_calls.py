"""The calls of a turn that have no settled outcome."""

from typing import Any

import orjson
from sqlalchemy import select

from neo.db import Database
from neo.events import Fenced, Position
from neo.turns.models import ApprovalRequestRow, ChatTurn, ToolCallRow

OpenCall = tuple[ToolCallRow, ApprovalRequestRow | None]


async def read_open_calls(database: Database, turn: ChatTurn) -> list[OpenCall]:
    """The turn's calls whose outcome is not settled, in their order, each with its request for a decision."""
    wanted = (
        select(ToolCallRow, ApprovalRequestRow)
        .outerjoin(ApprovalRequestRow, ApprovalRequestRow.call_id == ToolCallRow.id)
        .where(
            ToolCallRow.tenant_id == turn.tenant_id,
            ToolCallRow.turn_id == turn.id,
            ToolCallRow.outcome_segment.is_(None),
        )
        .order_by(ToolCallRow.segment, ToolCallRow.position)
    )
    async with database.transaction(turn.tenant_id) as db:
        return [(row[0], row[1]) for row in (await db.execute(wanted)).all()]


async def begin_calls(
    database: Database, turn: ChatTurn, position: Position, begun: list[dict[str, Any]]
) -> None:
    """Store what calls wait for, before readers are told of them; raises `Fenced`."""
    values = (
        turn.tenant_id,
        turn.id,
        position.segment,
        position.claim,
        orjson.dumps(begun, default=str).decode(),
    )
    [row] = await database.call("neo_begin_calls", *values)
    if not row[0]:
        raise Fenced("The turn has ended, or somebody else has claimed it.")
