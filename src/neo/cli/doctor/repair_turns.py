"""The repairs of turns and sessions: each does what a server does after a crash."""

from typing import TYPE_CHECKING

from neo.cli.doctor.repair import RepairContext

if TYPE_CHECKING:
    from sqlalchemy import TextClause

END_TIMES = """
UPDATE chat_turns SET ended_at = CASE WHEN status NOT IN ('QUEUED', 'RUNNING')
    THEN coalesce(created_at + total_ms * interval '1 millisecond', clock_timestamp()) END
WHERE id IN ({broken})
"""
REASONS = """
UPDATE chat_turns SET error_code = '{code}', error_message = '{message}' WHERE id IN ({broken})
"""
SESSIONS = "SELECT tenant_id, id FROM chat_sessions WHERE id IN ({broken})"


async def start_turns(context: RepairContext, broken: str) -> str:
    sweeper = await context.sweeper(with_temporal=True)
    started = [await sweeper.start_or_end(turn) for turn in await context.turns(broken)]
    lost = started.count(False)
    ended = f" {lost} that Temporal will not run again ended as failed (turn_lost)." if lost else ""
    return f"{started.count(True)} turns are started, or run already.{ended}"


async def end_stopped_turns(context: RepairContext, broken: str) -> str:
    sweeper = await context.sweeper(with_temporal=False)
    ended = [await sweeper.end_cancelled(turn) for turn in await context.turns(broken)]
    return f"{ended.count(True)} turns ended as cancelled."


async def count_turns(context: RepairContext, broken: str) -> str:
    from neo.sessions import SessionStore  # noqa: PLC0415 - imports of seconds stay out of `--help`.
    from neo.turns.store import TurnStore  # noqa: PLC0415

    async with context.owner.without_tenant() as connection:
        found = (await connection.execute(_query(SESSIONS.format(broken=broken)))).all()
    for row in found:
        async with context.database.transaction(row.tenant_id) as db:
            session = await SessionStore(db, row.tenant_id).lock(row.id)
            newest = await TurnStore(db, row.tenant_id).find_newest(session.id)
            session.last_turn_no = newest.turn_no if newest is not None else 0
    return f"{len(found)} sessions count their turns anew."


async def set_end_times(context: RepairContext, broken: str) -> str:
    return f"{await _changed(context, END_TIMES.format(broken=broken))} turns have the end that they need, or none."


async def give_reasons(context: RepairContext, broken: str) -> str:
    from neo.turns.errors import TURN_LOST  # noqa: PLC0415
    from neo.turns.sweep import LOST_MESSAGE  # noqa: PLC0415

    changed = await _changed(context, REASONS.format(code=TURN_LOST, message=LOST_MESSAGE, broken=broken))
    return f"{changed} failed turns say {TURN_LOST}."


async def remove_uploads(context: RepairContext, _: str) -> str:
    removed = 0
    while found := await context.orphans().sweep():
        removed += found
    return f"{removed} uploads are removed."


async def _changed(context: RepairContext, change: str) -> int:
    async with context.owner.without_tenant() as connection:
        return (await connection.execute(_query(change))).rowcount


def _query(text_of_ours: str) -> "TextClause":
    from sqlalchemy import text  # noqa: PLC0415

    return text(text_of_ours)
