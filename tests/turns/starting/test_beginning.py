"""A turn is in one hand: whoever has begun it answers it, until it has ended or their process has died."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import TextClause, text

from neo.chat.posting.draft import Draft
from neo.chat.posting.standing import Standings
from neo.chat.posting.storing import Storage, Submission
from neo.turns.errors import BegunElsewhere
from neo.turns.prompt import Task
from neo.turns.starting import beginning
from neo.turns.starting.beginning import Beginnings
from neo.turns.starting.holding import HELD_FOR, Holding
from neo.turns.temporal.contract import TurnInput
from support.counting import CountingDatabase
from support.rows import Rows, opened
from support.server import Server

# Longer than a test: the server's own sweeper leaves the turn alone meanwhile.
HELD = timedelta(seconds=60)
END = text("UPDATE chat_turns SET status = 'COMPLETED', ended_at = clock_timestamp() WHERE id = :id")
LAPSE = text("UPDATE chat_turns SET held_until = clock_timestamp() WHERE id = :id")
A_WHILE = 0.3


@dataclass
class Scene:
    """A session, and the turns that are stored in it for nobody who would answer them."""

    tenant_id: UUID
    session_id: UUID
    database: CountingDatabase

    async def stored(self, held_for: timedelta | None = None) -> TurnInput:
        said = Submission(self.tenant_id, self.session_id, Draft("Hello", "SMART", None))
        seen = (await Standings(self.database).last(self.tenant_id, self.session_id)).seen
        assert await Storage(self.database).store(said.row(100, seen=seen, held_for=held_for))
        return TurnInput(str(self.tenant_id), str(self.session_id), str(said.turn_id))

    async def do(self, statement: TextClause, turn: TurnInput) -> None:
        async with self.database.transaction(self.tenant_id) as db:
            await db.execute(statement, {"id": turn.turn_id})


@pytest.fixture
async def scene(server: Server, rows: Rows, database: CountingDatabase) -> Scene:
    tenant = await rows.tenant()
    return Scene(tenant.id, await opened(server, tenant), database)


@pytest.fixture
def beginnings(database: CountingDatabase, monkeypatch: pytest.MonkeyPatch) -> Beginnings:
    monkeypatch.setattr(beginning, "LOOK_SECONDS", 0.02)
    return Beginnings(database)


async def waiting_for(turn: TurnInput, beginnings: Beginnings) -> asyncio.Task[Task | None]:
    """A first attempt that does not begin the turn yet."""
    waiting = asyncio.create_task(beginnings.begin(turn, None, is_first=True))
    await asyncio.sleep(A_WHILE)
    assert not waiting.done()
    return waiting


async def test_a_first_attempt_leaves_a_turn_that_is_in_hand_to_whoever_has_it(
    scene: Scene, beginnings: Beginnings
) -> None:
    turn = await scene.stored(HELD)
    waiting = await waiting_for(turn, beginnings)

    await scene.do(END, turn)
    async with asyncio.timeout(2):
        assert await waiting is None


async def test_a_first_attempt_begins_it_once_whoever_had_it_says_so_no_more(
    scene: Scene, beginnings: Beginnings
) -> None:
    turn = await scene.stored(HELD)
    waiting = await waiting_for(turn, beginnings)

    await scene.do(LAPSE, turn)
    async with asyncio.timeout(2):
        task = await waiting
    assert task is not None
    assert task.turn.attempts > 1


async def test_turns_that_a_process_lets_go_of_are_begun_by_others_at_once(
    scene: Scene, beginnings: Beginnings, database: CountingDatabase
) -> None:
    turn = await scene.stored(HELD)

    await Holding(database, list).let_go([turn.turn_id])

    async with asyncio.timeout(2):
        assert await beginnings.begin(turn, None, is_first=True) is not None


async def test_an_attempt_after_the_first_waits_for_nobody(scene: Scene, beginnings: Beginnings) -> None:
    turn = await scene.stored(HELD)

    task = await beginnings.begin(turn, None, is_first=False)

    assert task is not None
    assert task.turn.attempts == 2


async def test_before_temporal_hears_of_a_turn_it_is_begun_only_if_nobody_has(
    scene: Scene, beginnings: Beginnings
) -> None:
    turn = await scene.stored()
    assert await beginnings.begin(turn, None, is_first=True) is not None

    with pytest.raises(BegunElsewhere):
        await beginnings.begin(turn, HELD, is_first=True)

    await scene.do(END, turn)
    assert await beginnings.begin(turn, HELD, is_first=True) is None


async def test_a_turn_that_the_database_does_not_know_is_left_alone(
    scene: Scene, beginnings: Beginnings
) -> None:
    unknown = TurnInput(str(scene.tenant_id), str(scene.session_id), str(uuid4()))

    assert await beginnings.begin(unknown, None, is_first=True) is None
    assert await beginnings.begin(unknown, HELD, is_first=True) is None
    assert not await beginnings.is_exhausted(unknown)


# Rolled back, so that the server's own sweeper sees nothing of it.
FOLLOWS = text(
    "UPDATE chat_turns SET created_at = now() - interval '1 hour', swept_at = NULL, status = 'QUEUED', "
    "held_until = NULL WHERE id = :follows"
)
ENDED = text(
    "UPDATE chat_turns SET status = 'COMPLETED', ended_at = clock_timestamp() - make_interval(secs => :ago) "
    "WHERE id = :before"
)
SWEPT = text("SELECT id FROM neo_sweep_turns('1 second', '15 seconds', 1000)")


@pytest.mark.parametrize(("ago", "is_left_behind"), [(0.2, False), (1.2, True)])
async def test_a_turn_that_follows_another_was_not_left_behind_when_that_has_only_just_ended(
    scene: Scene, ago: float, *, is_left_behind: bool
) -> None:
    before, follows = await scene.stored(HELD), await scene.stored()

    async with scene.database.transaction(scene.tenant_id) as db:
        await db.execute(FOLLOWS, {"follows": follows.turn_id})
        await db.execute(ENDED, {"before": before.turn_id, "ago": ago})
        swept = {str(one) for one in (await db.scalars(SWEPT)).all()}
        await db.rollback()

    assert (follows.turn_id in swept) is is_left_behind
    await scene.do(END, before)


async def test_a_turn_is_said_to_be_in_hand_for_as_long_as_it_is_held_for(
    scene: Scene, beginnings: Beginnings
) -> None:
    turn = await scene.stored(timedelta(seconds=1.5))
    holding = asyncio.create_task(Holding(scene.database, lambda: [turn.turn_id]).run())
    await asyncio.sleep(HELD_FOR.total_seconds() / 2)

    waiting = await waiting_for(turn, beginnings)

    for task in (holding, waiting):
        task.cancel()
    await asyncio.gather(holding, waiting, return_exceptions=True)
    await scene.do(END, turn)
