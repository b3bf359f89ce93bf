"""The calls of a turn that have no settled outcome."""

from sqlalchemy import select

from neo.db import Database
from neo.turns.models import ApprovalRequestRow, ChatTurn, ToolCallRow


async def read_open_calls(
    database: Database, turn: ChatTurn
) -> list[tuple[ToolCallRow, ApprovalRequestRow | None]]:
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


async def has_open_calls(database: Database, turn: ChatTurn) -> bool:
    return bool(await read_open_calls(database, turn))
