"""The repairs of open turns: each does what a server does after a crash."""

from typing import Any

from neo.cli.doctor.context import RepairContext, change_turns, ids_in


async def make_wait(context: RepairContext, broken: str) -> str:
    return f"{await change_turns(context, broken, claimable_at=None)} turns wait."


async def make_claimable(context: RepairContext, broken: str) -> str:
    from sqlalchemy import func  # noqa: PLC0415 - imports of seconds stay out of `--help`.

    changed = await change_turns(context, broken, claimable_at=func.clock_timestamp())
    await context.wake()
    return f"{changed} turns are claimable."


async def release_leases(context: RepairContext, broken: str) -> str:
    """As a driver gives a turn up, and counted as an attempt, as a take-over is."""
    from datetime import timedelta  # noqa: PLC0415

    released = 0
    for turn in await _turns(context, broken):
        if turn.lease_id is not None:
            values = (turn.tenant_id, turn.id, turn.lease_id, timedelta(0), True)
            [row] = await context.database.call("neo_release_turn", *values)
            released += row[0]
    await context.wake()
    return f"{released} leases are released, and those that run turns are woken."


async def resume_turns(context: RepairContext, broken: str) -> str:
    from neo.db import call_within  # noqa: PLC0415

    resumed = 0
    for turn in await _turns(context, broken):
        async with context.database.transaction(turn.tenant_id) as db:
            [row] = await call_within(db, "neo_resume_turn", turn.tenant_id, turn.id)
            resumed += row[0]
    await context.wake()
    return f"{resumed} turns go on."


async def expire_requests(context: RepairContext, _: str) -> str:
    expired = 0
    while found := await context.sweeper.expire_requests():
        expired += found
    return f"{expired} requests have expired."


async def end_stopped_turns(context: RepairContext, broken: str) -> str:
    from neo.turns.temporal.contract import TurnInput  # noqa: PLC0415

    ended = [
        await context.sweeper.end_cancelled(
            TurnInput(str(turn.tenant_id), str(turn.session_id), str(turn.id))
        )
        for turn in await _turns(context, broken)
    ]
    return f"{ended.count(True)} turns ended as cancelled."


async def _turns(context: RepairContext, broken: str) -> list[Any]:
    from sqlalchemy import select  # noqa: PLC0415

    from neo.turns.models import ChatTurn  # noqa: PLC0415

    wanted = select(ChatTurn.tenant_id, ChatTurn.session_id, ChatTurn.id, ChatTurn.lease_id)
    async with context.owner.without_tenant() as connection:
        return list((await connection.execute(wanted.where(ChatTurn.id.in_(ids_in(broken))))).all())
