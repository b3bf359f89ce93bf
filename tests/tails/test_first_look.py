"""What a tail need not ask, because its session was looked at while it was heard."""

import asyncio

import pytest

from events.stage import PATIENCE_SECONDS, Session, opened, running_valkey
from neo.events import since_cursor
from neo.tails.turn_status import FirstLook


@pytest.fixture
async def session(session: Session) -> Session:
    await heard(session)
    return session


async def heard(session: Session) -> None:
    """Somebody has just left it."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while session.events.since(session.id) is None:
            async with session.events.watch(session.id):
                await asyncio.sleep(0.01)


async def first_look(session: Session) -> FirstLook:
    """As a request looks at its session, with what it counts as asked left out."""
    since = session.events.since(session.id)
    found = FirstLook(await session.ledger.newest(), since)
    session.ledger.questions = 0
    return found


async def test_a_session_that_is_heard_is_not_asked_about_again(session: Session) -> None:
    speaker = await session.speaker()
    await speaker.say_apart("hello ")
    seen = await first_look(session)
    assert seen.since is not None
    # Events are no reason to ask: they are in the stream.
    await speaker.say_apart("world")

    async with session.reader(since_cursor(1), first_look=seen) as client:
        await client.until_text("hello world")
        assert session.ledger.questions == 0


async def test_a_session_that_was_not_heard_is_asked_about(session: Session) -> None:
    speaker = await session.speaker()
    await speaker.say_apart("hello")
    seen = FirstLook((await first_look(session)).newest, None)

    async with session.reader(since_cursor(1), first_look=seen) as client:
        await client.until_text("hello")
        assert session.ledger.questions == 1


async def test_a_turn_that_was_ended_meanwhile_without_an_event_is_told_at_once(session: Session) -> None:
    turn = session.ledger.queue()
    seen = await first_look(session)
    session.ledger.cancel(turn)
    await session.events.nudge(session.id)
    await session.events.hub().settle()

    client = await session.read(since_cursor(1), first_look=seen)

    assert client.types[-1] == "abort"
    assert client.is_done


async def test_what_was_looked_at_before_the_line_was_lost_is_asked_again(closing: asyncio.Event) -> None:
    with running_valkey() as server:
        async with opened(server.url) as (valkey, events):
            session = Session(events, closing)
            await heard(session)
            turn = session.ledger.queue()
            seen = await first_look(session)
            await valkey.call("CLIENT", "KILL", "TYPE", "pubsub")
            async with asyncio.timeout(PATIENCE_SECONDS):
                while seen.since is not None and seen.since.has_held:
                    await asyncio.sleep(0.001)
            # Nobody is told of it.
            session.ledger.cancel(turn)

            client = await session.read(since_cursor(1), first_look=seen)

    assert client.types[-1] == "abort"
