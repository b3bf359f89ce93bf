"""The repairs of turns that have ended, and of sessions."""

from datetime import timedelta

from neo.cli.doctor.context import RepairContext, change_turns, ids_in

# Ends what a turn has left of its calls and requests, as its end does.
END_CALLS = "SELECT neo_end_calls(t) FROM chat_turns t WHERE t.id = :id"


async def set_end_times(context: RepairContext, broken: str) -> str:
    from sqlalchemy import case, func, literal  # noqa: PLC0415 - imports of seconds stay out of `--help`.

    from neo.turns.models import OPEN, ChatTurn  # noqa: PLC0415

    took = ChatTurn.total_ms * literal(timedelta(milliseconds=1))
    ended_at = func.coalesce(ChatTurn.created_at + took, func.clock_timestamp())
    changed = await change_turns(context, broken, ended_at=case((ChatTurn.status.not_in(OPEN), ended_at)))
    return f"{changed} turns have the end that they need, or none."


async def let_go(context: RepairContext, broken: str) -> str:
    from sqlalchemy import select, text, update  # noqa: PLC0415

    from neo.turns.models import ChatTurn  # noqa: PLC0415

    wanted = select(ChatTurn.tenant_id, ChatTurn.id).where(ChatTurn.id.in_(ids_in(broken)))
    async with context.owner.without_tenant() as connection:
        found = (await connection.execute(wanted)).all()
    for row in found:
        nothing = update(ChatTurn).where(ChatTurn.tenant_id == row.tenant_id, ChatTurn.id == row.id)
        async with context.database.transaction(row.tenant_id) as db:
            await db.execute(nothing.values(lease_id=None, claimable_at=None, waiting_for=None))
            await db.execute(text(END_CALLS), {"id": row.id})
    return f"{len(found)} turns are let go."


async def set_terminals(context: RepairContext, broken: str) -> str:
    """As of a turn whose end nobody wrote into the stream."""
    from sqlalchemy import case  # noqa: PLC0415

    from neo.events import REPLAY_CLAIM  # noqa: PLC0415
    from neo.turns.models import OPEN, ChatTurn  # noqa: PLC0415

    has_ended = ChatTurn.status.not_in(OPEN)
    changed = await change_turns(
        context,
        broken,
        terminal_segment=case((has_ended, ChatTurn.segment)),
        terminal_claim=case((has_ended, REPLAY_CLAIM)),
        terminal_n=case((has_ended, 1)),
    )
    return f"{changed} turns say where their events end, or nothing if they are open."


async def give_reasons(context: RepairContext, broken: str) -> str:
    from neo.turns.errors import LOST_MESSAGE, TURN_LOST  # noqa: PLC0415

    changed = await change_turns(context, broken, error_code=TURN_LOST, error_message=LOST_MESSAGE)
    return f"{changed} failed turns say {TURN_LOST}."


async def count_turns(context: RepairContext, broken: str) -> str:
    from sqlalchemy import select  # noqa: PLC0415

    from neo.sessions import ChatSession, SessionStore  # noqa: PLC0415
    from neo.turns.store import TurnStore  # noqa: PLC0415

    wanted = select(ChatSession.tenant_id, ChatSession.id).where(ChatSession.id.in_(ids_in(broken)))
    async with context.owner.without_tenant() as connection:
        found = (await connection.execute(wanted)).all()
    for row in found:
        async with context.database.transaction(row.tenant_id) as db:
            session = await SessionStore(db, row.tenant_id).lock(row.id)
            newest = await TurnStore(db, row.tenant_id).find_newest(session.id)
            session.last_turn_no = newest.turn_no if newest is not None else 0
    return f"{len(found)} sessions count their turns anew."
