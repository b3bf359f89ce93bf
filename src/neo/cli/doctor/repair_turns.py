"""The repairs of turns and sessions: each does what a server does after a crash."""

from datetime import timedelta
from typing import Any

from neo.cli.doctor.repair import RepairContext, ids_in


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
    from sqlalchemy import select  # noqa: PLC0415 - imports of seconds stay out of `--help`.

    from neo.sessions import ChatSession, SessionStore  # noqa: PLC0415
    from neo.turns.store import TurnStore  # noqa: PLC0415

    async with context.owner.without_tenant() as connection:
        wanted = select(ChatSession.tenant_id, ChatSession.id).where(ChatSession.id.in_(ids_in(broken)))
        found = (await connection.execute(wanted)).all()
    for row in found:
        async with context.database.transaction(row.tenant_id) as db:
            session = await SessionStore(db, row.tenant_id).lock(row.id)
            newest = await TurnStore(db, row.tenant_id).find_newest(session.id)
            session.last_turn_no = newest.turn_no if newest is not None else 0
    return f"{len(found)} sessions count their turns anew."


async def set_end_times(context: RepairContext, broken: str) -> str:
    from sqlalchemy import case, func, literal  # noqa: PLC0415

    from neo.turns.models import OPEN, ChatTurn  # noqa: PLC0415

    took = ChatTurn.total_ms * literal(timedelta(milliseconds=1))
    ended_at = func.coalesce(ChatTurn.created_at + took, func.clock_timestamp())
    changed = await _changed(context, broken, ended_at=case((ChatTurn.status.not_in(OPEN), ended_at)))
    return f"{changed} turns have the end that they need, or none."


async def give_reasons(context: RepairContext, broken: str) -> str:
    from neo.turns.errors import TURN_LOST  # noqa: PLC0415
    from neo.turns.sweep import LOST_MESSAGE  # noqa: PLC0415

    changed = await _changed(context, broken, error_code=TURN_LOST, error_message=LOST_MESSAGE)
    return f"{changed} failed turns say {TURN_LOST}."


async def remove_uploads(context: RepairContext, _: str) -> str:
    removed = 0
    while found := await context.orphans().sweep():
        removed += found
    return f"{removed} uploads are removed."


async def _changed(context: RepairContext, broken: str, **values: Any) -> int:
    from sqlalchemy import update  # noqa: PLC0415

    from neo.turns.models import ChatTurn  # noqa: PLC0415

    change = update(ChatTurn).where(ChatTurn.id.in_(ids_in(broken))).values(values)
    async with context.owner.without_tenant() as connection:
        return (await connection.execute(change)).rowcount
