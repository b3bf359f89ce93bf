"""An API that dies, or whose line is cut, around the commit of a message."""

import asyncio
from uuid import uuid4

import pytest
from sqlalchemy import text

from faults.history import Posted
from faults.world import World

STARTED = text("SELECT extract(epoch FROM started_at - created_at) FROM chat_turns WHERE id = :id")
LOCK = text("SELECT 1 FROM chat_sessions WHERE id = :id FOR UPDATE")
WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
# Whoever is alive starts a turn that was left behind.
START_SECONDS = 3.0


async def posted_into_death(world: World, point: str) -> Posted:
    """A post to an API that dies at this point, before it could answer."""
    session = await world.caller.open()
    world.stack.points.arm(point, "exit")
    posted = await world.caller.post(session, f"say {uuid4()}", uuid4().hex)
    await world.stack.apis[0].gone()
    assert posted.answered.status == 0
    return posted


async def repeated(world: World, posted: Posted) -> Posted:
    """The same message to the API that is alive."""
    return await world.caller.post(posted.session_id, posted.message, posted.client_message_id, api=1)


async def started_after(world: World, turn_id: str) -> float:
    """Seconds between a turn's commit and its start."""
    async with asyncio.timeout(40):
        while True:
            async with world.stack.database.transaction(world.tenant_id) as db:
                found = await db.scalar(STARTED, {"id": turn_id})
            if found is not None:
                return float(found)
            await asyncio.sleep(0.05)


async def stored_once(world: World, posted: Posted) -> None:
    """The message has one turn, for which the model was called once."""
    rest = await world.judged()
    assert len(rest.turns) == 1
    assert rest.calls[posted.message] == 1


async def until_one_waits(world: World) -> None:
    """Until somebody waits for a row's lock."""
    async with asyncio.timeout(40):
        while True:
            async with world.stack.database.without_tenant() as connection:
                if await connection.scalar(WAITING):
                    return
            await asyncio.sleep(0.02)


async def test_f1_the_api_is_killed_between_commit_and_start_and_the_turn_runs(world: World) -> None:
    posted = await posted_into_death(world, "after_commit")

    again = await repeated(world, posted)

    assert (again.answered.status, again.is_repeat) == (409, True)
    assert again.turn_id is not None
    world.recovered(await started_after(world, again.turn_id), START_SECONDS)
    await world.caller.read(posted.session_id, again.since, api=1)
    rest = await world.judged()
    assert [turn.status for turn in rest.turns] == ["COMPLETED"]
    assert rest.calls[posted.message] == 1


async def test_f2_the_api_is_killed_after_it_has_waked_others_and_before_the_answer(world: World) -> None:
    posted = await posted_into_death(world, "before_answer")

    again = await repeated(world, posted)

    assert (again.answered.status, again.is_repeat) == (409, True)
    await world.caller.read(posted.session_id, again.since, api=1)
    rest = await world.judged()
    assert [(turn.id, turn.attempts) for turn in rest.turns] == [(again.turn_id, 1)]
    assert rest.calls[posted.message] == 1


async def test_f3_the_api_is_killed_before_the_commit_and_nothing_was_stored(world: World) -> None:
    posted = await posted_into_death(world, "before_commit")

    again = await repeated(world, posted)

    assert again.answered.status == 202
    rest = await world.judged()
    assert [message.text for message in rest.messages if message.role == "user"] == [posted.message]


@pytest.mark.parametrize("passed_on", [True, False], ids=["heard", "unheard"])
async def test_f4_the_line_is_cut_as_the_message_is_stored_and_it_is_stored_once(
    world: World, *, passed_on: bool
) -> None:
    session = await world.caller.open(api=1)
    line = world.stack.api_lines["postgres"]
    message = f"say {uuid4()}"
    line.cut_at(message.encode(), once_said=b"", passed_on=passed_on)
    posted = await world.caller.post(session, message, uuid4().hex, api=1)

    again = await repeated(world, posted)

    assert line.words_cut > 0
    # It was told again over another line, with the ids that it had.
    assert (posted.answered.status, again.answered.status) == (202, 409)
    assert posted.turn_id == again.turn_id
    await stored_once(world, posted)


@pytest.mark.parametrize("passed_on", [True, False], ids=["heard", "unheard"])
async def test_f4_the_line_is_cut_at_the_commit_of_a_message_that_waited_and_it_is_stored_once(
    world: World, *, passed_on: bool
) -> None:
    session = await world.caller.open(api=1)
    line = world.stack.api_lines["postgres"]
    message = f"say {uuid4()}"
    async with world.stack.database.transaction(world.tenant_id) as db:
        await db.execute(LOCK, {"id": session})
        posting = asyncio.create_task(world.caller.post(session, message, uuid4().hex, api=1))
        await until_one_waits(world)
        line.cut_at(b"COMMIT", once_said=message.encode(), passed_on=passed_on)
    posted = await posting

    again = await repeated(world, posted)

    assert line.words_cut > 0
    assert (posted.answered.status, posted.answered.code) == (503, "database_unavailable")
    assert again.answered.status == (409 if passed_on else 202)
    await stored_once(world, posted)
