"""Idle tails cost a process little: one clock, and one question for all that are due together."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from events.client import Client
from events.stage import QUICK, TICK_SECONDS, UNHURRIED, Session, forget, opened, running_valkey
from neo.events import EventLog, Page, Position
from neo.streams import Valkey
from neo.tails.open_tails import KeepAliveClock
from neo.tails.tail import IDLE_LOOKS, TailPace

TAILS = 20
LOOKS = 2
PACE = TailPace(keep_alive_seconds=0.2, poll_seconds=0.1)


class CountingLog(EventLog):
    """Counts what it is asked for."""

    def __init__(self, valkey: Valkey) -> None:
        super().__init__(valkey)
        self.pages = self.looks = 0

    async def read_on(self, *args: object, **options: object) -> Page:
        self.pages += 1
        return await super().read_on(*args, **options)  # type: ignore[arg-type]

    async def has_beyond(self, positions: Sequence[tuple[UUID, Position | None]]) -> list[bool]:
        self.looks += 1
        return await super().has_beyond(positions)


async def waited(clients: Sequence[Client], keep_alives: int) -> None:
    for client in clients:
        await client.until(lambda client: client.comments.count(": keep-alive") >= keep_alives)


async def following(session: Session, pace: TailPace) -> tuple[Client, "asyncio.Task[None]"]:
    client = Client()
    return client, asyncio.create_task(client.read(await session.tail(follow=True, pace=pace)))


async def end(session: Session, closing: asyncio.Event, reading: Sequence["asyncio.Task[None]"]) -> None:
    closing.set()
    await asyncio.gather(*reading)
    assert len(session.open_tails) == 0


async def test_idle_tails_are_looked_for_together(valkey: Valkey, closing: asyncio.Event) -> None:
    log = CountingLog(valkey)
    async with log.subscriptions:
        session = Session(log, closing)
        # Slow enough for many tails to be due in one round.
        session.clock = KeepAliveClock(log, tick_seconds=0.1)
        await session.whole_turn("hello")
        opened_tails = [await following(session, PACE) for _ in range(TAILS)]
        clients = [client for client, _ in opened_tails]
        for client in clients:
            await client.until_text("hello")
        await asyncio.sleep(0.05)
        pages, questions = log.pages, session.ledger.questions
        await waited(clients, LOOKS)
        asked = log.pages - pages, session.ledger.questions - questions
        await end(session, closing, [reading for _, reading in opened_tails])

    assert IDLE_LOOKS > LOOKS
    assert asked == (0, 0)
    assert 0 < log.looks < TAILS


async def test_of_some_looks_each_is_at_postgresql_and_reads_no_stream(
    valkey: Valkey, closing: asyncio.Event
) -> None:
    log = CountingLog(valkey)
    async with log.subscriptions:
        session = Session(log, closing)
        await session.whole_turn("hello")
        client, reading = await following(session, PACE)
        await client.until_text("hello")
        await asyncio.sleep(0.05)
        pages, questions = log.pages, session.ledger.questions
        await waited([client], IDLE_LOOKS)
        asked = log.pages - pages, session.ledger.questions - questions
        await end(session, closing, [reading])

    assert asked == (0, 1)


async def test_a_whole_turn_that_pubsub_lost_is_found_between_two_turns(session: Session) -> None:
    await session.whole_turn("one")
    async with session.reader(follow=True, pace=QUICK) as client:
        await client.until_text("one")
        subscriptions = session.events.subscriptions
        await subscriptions.drain()
        channels, subscriptions._channels = subscriptions._channels, {}
        await session.whole_turn("two")
        await subscriptions.drain()
        subscriptions._channels = channels
        questions = session.ledger.questions
        await client.until_text("two")

    # It was the stream that said so: PostgreSQL is asked after the turn's end, as always.
    assert session.ledger.questions - questions <= 1
    assert client.resets == []


async def test_keep_alives_come_while_valkey_is_away() -> None:
    with running_valkey() as server:
        async with opened(server.url) as (_, log):
            session = Session(log, asyncio.Event())
            await session.whole_turn("hello")
            async with session.reader(follow=True, pace=PACE) as client:
                await client.until_text("hello")
                server.kill()
                heard = len(client.comments)
                await client.until(lambda client: len(client.comments) >= heard + 3)

    assert client.resets == []


async def test_a_turn_that_the_store_forgot_is_not_missed_by_a_tail_that_waits(
    session: Session, valkey: Valkey
) -> None:
    await session.whole_turn("one")
    async with session.reader(follow=True, pace=PACE) as client:
        await client.until_text("one")
        await session.events.subscriptions.drain()
        await forget(valkey, session)
        session.ledger.cancel(session.ledger.queue())
        await client.until(lambda client: client.types[-1] == "abort")


async def test_the_clock_stops_with_the_last_tail(session: Session, closing: asyncio.Event) -> None:
    async with session.reader(pace=UNHURRIED):
        await asyncio.sleep(TICK_SECONDS)
        assert session.clock._task is not None
    await asyncio.sleep(3 * TICK_SECONDS)

    assert session.clock._task is None
