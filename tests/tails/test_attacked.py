"""Bounds on tails: how many there may be, how long one lives, and what it costs when all come back at once."""

import asyncio
import time
from uuid import UUID, uuid4

import pytest

from events.stage import UNHURRIED, Session
from neo.access import CallerKind, Credential, CredentialKind, Principal, Role
from neo.events import since_cursor
from neo.tails.errors import TooManyTails
from neo.tails.open_tails import OpenTails, TailBounds
from neo.tails.tail import EXPIRY_LEEWAY_SECONDS, TailPace

STORM = 300


def credential(kind: CredentialKind = CredentialKind.API_KEY, expires_in: float | None = None) -> Credential:
    return Credential(kind, uuid4(), uuid4(), time.time() + expires_in if expires_in is not None else None)


@pytest.mark.parametrize(
    ("expires_in", "lives"),
    [
        pytest.param(None, 600.0, id="B25-a-key-does-not-end"),
        pytest.param(3600.0, 600.0, id="B25-longer-than-a-tail"),
        pytest.param(100.0, 160.0, id="B25-its-end-and-the-leeway"),
        pytest.param(-30.0, 30.0, id="B25-within-the-leeway"),
        pytest.param(-3600.0, 0.0, id="B25-long-past"),
    ],
)
async def test_a_tail_does_not_outlive_its_token(
    session: Session, expires_in: float | None, lives: float
) -> None:
    tail = await session.tail(credential=credential(expires_in=expires_in), pace=TailPace())

    tail.close()
    assert tail._life_seconds() == pytest.approx(lives, abs=5)


async def test_b25_h8_an_expired_tokens_tail_says_goodbye(session: Session) -> None:
    began = time.monotonic()

    client = await session.read(
        None, credential=credential(expires_in=0.5 - EXPIRY_LEEWAY_SECONDS), follow=True, pace=UNHURRIED
    )

    assert client.retry_ms is not None
    assert time.monotonic() - began < 20


def opened_by(tails: OpenTails, caller: Principal, session_id: UUID | None = None) -> int:
    """How many tails the caller opens before one is refused; they stay open."""
    for number in range(1000):
        try:
            tails.permit_for(caller, session_id or uuid4())
        except TooManyTails:
            return number
    raise AssertionError("Nothing is refused.")


def of_tenant(kind: CallerKind, tenant_id: UUID, role: Role | None = None) -> Principal:
    return Principal(
        kind, tenant_id, tenant_id, uuid4(), Credential(CredentialKind.API_KEY, tenant_id, uuid4()), role
    )


def test_nobodys_tails_use_up_what_is_somebody_elses() -> None:
    tails = OpenTails(asyncio.Event(), TailBounds(process=100, tenant=40, session=20, token=5))
    mine, theirs, others = uuid4(), uuid4(), uuid4()
    session, tokens = uuid4(), [of_tenant(CallerKind.END_USER, mine) for _ in range(8)]
    key, admin = (
        of_tenant(CallerKind.SERVICE_ACCOUNT, mine),
        of_tenant(CallerKind.TECHNICIAN, mine, Role.ADMIN),
    )

    # Of a session of 20 end users have 15, each 5; a key what is left, an Admin two more.
    of_session = [opened_by(tails, who, session) for who in (*tokens[:4], key, admin)]
    # The same of the tenant's 40, of which 22 are open.
    of_mine = [opened_by(tails, who) for who in (*tokens[4:], key, admin)]
    # Of the process's 100 others have 44. Who has none open is let in, and an Admin.
    of_process = [opened_by(tails, of_tenant(CallerKind.SERVICE_ACCOUNT, one)) for one in (theirs, uuid4())]
    first = tails.permit_for(of_tenant(CallerKind.END_USER, others), uuid4())
    second = opened_by(tails, of_tenant(CallerKind.END_USER, others))
    its_admin = opened_by(tails, of_tenant(CallerKind.TECHNICIAN, others, Role.ADMIN))

    assert of_session == [5, 5, 5, 0, 5, 2]
    assert of_mine == [5, 3, 0, 0, 10, 4]
    assert of_process == [40, 16]
    assert (second, its_admin) == (0, 9)
    with first:
        pass
    assert opened_by(tails, of_tenant(CallerKind.TECHNICIAN, others, Role.ADMIN)) == 1


async def test_h6_a_tail_that_ends_makes_room() -> None:
    tails = OpenTails(asyncio.Event(), TailBounds(tenant=3))
    mine = of_tenant(CallerKind.SERVICE_ACCOUNT, uuid4())

    permits = [tails.permit_for(mine, uuid4()) for _ in range(3)]
    with pytest.raises(TooManyTails):
        tails.permit_for(mine, uuid4())
    with permits[0]:
        pass

    assert opened_by(tails, mine) == 1


async def test_h11_those_who_were_sent_away_come_back_spread_and_cost_postgresql_little(
    session: Session, closing: asyncio.Event
) -> None:
    await session.whole_turn("hello")
    speaker = await session.speaker()
    first = [asyncio.create_task(session.read(since_cursor(2), follow=True)) for _ in range(STORM)]
    while len(session.open_tails) < STORM:
        await asyncio.sleep(0.01)
    closing.set()
    sent_away = await asyncio.gather(*first)
    waits = [client.retry_ms or 0 for client in sent_away]

    again = Session(session.events, asyncio.Event())
    again.id, again.ledger = session.id, session.ledger
    asked = session.ledger.questions
    back = [
        asyncio.create_task(again.read(client.ids[-1] if client.ids else since_cursor(2)))
        for client in sent_away
    ]
    while len(again.open_tails) < STORM:
        await asyncio.sleep(0.01)
    await speaker.say_apart("world")
    await speaker.finish()
    clients = await asyncio.gather(*back)

    assert all(500 <= wait <= 2_000 for wait in waits)
    assert len(set(waits)) > STORM / 4
    assert {client.text for client in clients} == {"world"}
    assert session.events.subscriptions.sessions <= 1
    # Each asks once where it is, and none while it reads.
    assert session.ledger.questions - asked <= 3 * STORM
