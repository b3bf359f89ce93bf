"""What a tail need not ask, because its session was looked at after its subscription was confirmed."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from events.client import PATIENCE_SECONDS
from events.stage import Session, opened, running_valkey
from neo.events import Subscription, since_cursor
from neo.tails.turn_status import Opening


@pytest.fixture
async def subscription(session: Session) -> AsyncIterator[Subscription]:
    """Confirmed by Valkey, however busy the machine is."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not (subscription := await session.events.subscriptions.subscribe(session.id)).was_confirmed:
            subscription.close()
            await asyncio.sleep(0.02)
    yield subscription
    subscription.close()


async def look(session: Session) -> Opening:
    """As a request looks at its session; that it asked is not counted."""
    opening = Opening(await session.ledger.newest())
    session.ledger.questions = 0
    return opening


async def test_what_was_looked_at_after_subscribing_is_not_asked_again(
    session: Session, subscription: Subscription
) -> None:
    speaker = await session.speaker()
    await speaker.say_apart("hello ")
    opening = await look(session)
    # Events are no reason to ask: they are in the stream.
    await speaker.say_apart("world")

    async with session.reader(since_cursor(1), subscription=subscription, opening=opening) as client:
        await client.until_text("hello world")
        assert session.ledger.questions == 0


async def test_without_such_a_look_postgresql_is_asked(session: Session) -> None:
    speaker = await session.speaker()
    await speaker.say_apart("hello")
    session.ledger.questions = 0

    async with session.reader(since_cursor(1)) as client:
        await client.until_text("hello")
        assert session.ledger.questions == 1


async def test_a_turn_that_ended_after_the_look_without_an_event_is_given_at_once(
    session: Session, subscription: Subscription
) -> None:
    turn = session.ledger.queue()
    opening = await look(session)
    session.ledger.cancel(turn)
    await session.events.wake_readers(session.id)
    await session.events.subscriptions.drain()

    client = await session.read(since_cursor(1), subscription=subscription, opening=opening)

    assert client.types[-1] == "abort"
    assert client.is_done


async def test_what_was_looked_at_before_the_connection_was_lost_is_asked_again(
    closing: asyncio.Event,
) -> None:
    with running_valkey() as server:
        async with opened(server.url) as (valkey, events):
            session = Session(events, closing)
            turn = session.ledger.queue()
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not (subscription := await events.subscriptions.subscribe(session.id)).was_confirmed:
                    subscription.close()
                    await asyncio.sleep(0.01)
            opening = await look(session)
            await valkey.call("CLIENT", "KILL", "TYPE", "pubsub")
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not subscription._missed:
                    await subscription.wait()
            # Nobody is woken for it.
            session.ledger.cancel(turn)

            client = await session.read(since_cursor(1), subscription=subscription, opening=opening)

    assert client.types[-1] == "abort"
