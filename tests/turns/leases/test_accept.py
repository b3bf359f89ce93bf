"""A message's turn is claimed with the message only if nothing that came before it waits."""

import asyncio
from dataclasses import replace
from typing import Any

import asyncpg
import orjson
import pytest
from sqlalchemy import text

from neo.access import CallerKind, Credential, CredentialKind, Principal, Role
from neo.chat.errors import DuplicateClientMessageId, TooManyQueuedTurns, TurnQueueFull
from neo.chat.posting.draft import Draft
from neo.chat.posting.storing import ACCEPT, Accepted, Storage, Submission
from neo.chat.posting.submit import QueueBounds, TurnDesk
from neo.turns.leases.claim import LEASE, claim_turn, task_of
from neo.turns.models import ChatTurn
from turns.conftest import Engines
from turns.driving import LATE_SECONDS, Process
from turns.stage import INSTRUCTIONS, MINUTE, Stage, ago, call_row, own_words

pytestmark = pytest.mark.usefixtures("alone")

HELLO = Draft("Hello", "FAST", None)
OPEN_MAX = 100


def row_of(stage: Stage, *, is_claimed: bool = True) -> dict[str, Any]:
    return Submission(stage.tenant_id, stage.session_id, HELLO).row(OPEN_MAX, is_claimed=is_claimed)


async def accept(stage: Stage, *, is_claimed: bool = True) -> asyncpg.Record:
    """A message is accepted, by a process that has a place for its turn or none."""
    stored = await Storage(stage.database).store(row_of(stage, is_claimed=is_claimed))
    assert stored is not None
    return stored


def is_claimed(stored: asyncpg.Record) -> bool:
    return stored["claimed"] is not None and stored["claimed"]["id"] is not None


async def accepted(stage: Stage, stored: asyncpg.Record) -> ChatTurn:
    return await stage.turn(ChatTurn(id=stored["turn_id"]))


async def test_with_nothing_before_it_a_turn_is_claimed_with_its_message(stage: Stage) -> None:
    stored = await accept(stage)

    task, turn = task_of(stored["claimed"]), await accepted(stage, stored)
    assert (task.turn.id, task.turn.segment, task.turn.claim, task.turn.attempts) == (turn.id, 1, 1, 1)
    assert (task.message.text, own_words(task), task.step, task.after) == ("Hello", INSTRUCTIONS, 1, None)
    assert (turn.status, turn.lease_id) == ("RUNNING", task.lease_id)
    assert turn.started_at is not None
    assert turn.claimable_at is not None
    assert turn.claimable_at > ago(-LEASE / 2)


async def test_a_claim_with_the_message_is_the_same_as_one_after_it(stage: Stage) -> None:
    other = await stage.another()
    first, second = await accept(stage), await accept(other, is_claimed=False)

    task = await claim_turn(stage.database, second["turn_id"], takes_over=False)

    assert task is not None
    one, two = await accepted(stage, first), await accepted(other, second)
    columns = ("status", "segment", "claim", "attempts", "segment_attempts", "turn_no", "waiting_for")
    assert [getattr(one, name) for name in columns] == [getattr(two, name) for name in columns]


async def test_without_a_place_a_turn_is_claimable(stage: Stage) -> None:
    stored = await accept(stage, is_claimed=False)

    turn = await accepted(stage, stored)
    assert not is_claimed(stored)
    assert (turn.status, turn.claim, turn.lease_id, turn.started_at) == ("QUEUED", 0, None, None)
    assert turn.claimable_at is not None
    assert turn.claimable_at <= ago(-LEASE / 2)


@pytest.mark.parametrize("before", ["claimable", "claimed", "waiting", "passed"])
async def test_behind_an_open_turn_of_its_session_it_is_queued_and_not_claimable(
    stage: Stage, before: str
) -> None:
    if before == "waiting":
        await stage.waiting(call_row(gate="APPROVAL"))
    else:
        turn = await stage.claimable() if before == "claimable" else (await stage.claimed()).turn
        if before == "passed":
            await stage.set(turn, claimable_at=ago(MINUTE))
    await stage.value(
        "UPDATE chat_sessions SET last_turn_no = 1 WHERE id = :id RETURNING 1", id=stage.session_id
    )

    stored = await accept(stage)

    turn = await accepted(stage, stored)
    assert not is_claimed(stored)
    assert (turn.status, turn.claimable_at, stored["open_turns"]) == ("QUEUED", None, 1)


@pytest.mark.parametrize("passed", [False, True])
async def test_while_a_claimable_turn_of_anybody_waits_it_does_too(stage: Stage, *, passed: bool) -> None:
    neighbour = await stage.neighbour()
    if passed:
        theirs = (await neighbour.claimed()).turn
        await neighbour.set(theirs, claimable_at=ago(MINUTE))
    else:
        await neighbour.claimable()

    stored = await accept(stage)

    assert not is_claimed(stored)
    assert (await accepted(stage, stored)).claimable_at is not None


async def test_a_turn_that_is_claimable_later_keeps_none_back(stage: Stage) -> None:
    await (await stage.neighbour()).claimable(-MINUTE)

    assert is_claimed(await accept(stage))


async def test_of_racing_posts_of_one_session_one_runs_and_the_others_are_queued(stage: Stage) -> None:
    rows = [orjson.dumps([row_of(stage)], default=str).decode() for _ in range(8)]

    async def until_stored(row: str) -> asyncpg.Record:
        # A message whose session is locked is not stored: whoever sent it tries again.
        while not (stored := await stage.database.call(ACCEPT, row)):
            await asyncio.sleep(0.005)
        return stored[0]

    async with asyncio.timeout(LATE_SECONDS):
        stored = await asyncio.gather(*(until_stored(row) for row in rows))

    turns = sorted([await accepted(stage, one) for one in stored], key=lambda turn: turn.turn_no)
    assert [turn.status for turn in turns] == ["RUNNING"] + ["QUEUED"] * 7
    assert [turn.claimable_at is None for turn in turns] == [False] + [True] * 7
    assert sum(map(is_claimed, stored)) == 1


async def test_of_messages_that_are_stored_together_each_session_has_one_that_runs(stage: Stage) -> None:
    other = await stage.another()
    storage = Storage(stage.database)

    stored = await asyncio.gather(*(storage.store(row_of(one)) for one in (stage, other, stage, other)))

    assert sum(is_claimed(one) for one in stored if one is not None) == 2


def caller_of(stage: Stage, account_id: Any) -> Principal:
    credential = Credential(CredentialKind.API_KEY, stage.tenant_id, account_id)
    return Principal(CallerKind.SERVICE_ACCOUNT, stage.tenant_id, stage.tenant_id, account_id, credential)


async def posted(engines: Engines, process: Process, stage: Stage) -> Accepted:
    desk = TurnDesk(engines.database, engines.valkey, process.places, None, bounds=QueueBounds(OPEN_MAX))
    account_id = (await stage.session()).account_id
    return await desk.submit(caller_of(stage, account_id), stage.session_id, HELLO)


async def test_a_post_takes_a_place_for_the_turn_that_it_claims_and_for_no_other(
    engines: Engines, process: Process, stage: Stage
) -> None:
    process.places.open()

    first = await posted(engines, process, stage)
    second = await posted(engines, process, stage)

    assert (first.claimed is None, second.claimed is None) == (False, True)
    assert process.places.free == process.places.most - 1
    task = process.places.accepted.get_nowait()
    assert task.turn.id == first.turn_id
    assert process.places.accepted.empty()


async def test_a_post_that_is_refused_gives_its_place_back(
    engines: Engines, process: Process, stage: Stage
) -> None:
    process.places.open()
    desk = TurnDesk(engines.database, engines.valkey, process.places, None, bounds=QueueBounds(OPEN_MAX))
    caller = caller_of(stage, (await stage.session()).account_id)
    draft = replace(HELLO, client_message_id="hello-1")
    await desk.submit(caller, stage.session_id, draft)

    with pytest.raises(DuplicateClientMessageId):
        await desk.submit(caller, stage.session_id, draft)

    assert process.places.free == process.places.most - 1


async def test_a_post_without_a_place_wakes_those_that_have_one(
    engines: Engines, process: Process, stage: Stage
) -> None:
    here = Process(engines.database, engines.valkey, engines.models)
    async with process.running():
        # It drives nothing itself.
        accepted = await posted(engines, here, stage)
        assert accepted.claimed is None

        async with asyncio.timeout(LATE_SECONDS):
            while (await stage.turn(ChatTurn(id=accepted.turn_id))).is_open:
                await asyncio.sleep(0.02)


KEY, ADMIN, END_USER = (
    (CallerKind.SERVICE_ACCOUNT, None),
    (CallerKind.TECHNICIAN, Role.ADMIN),
    (CallerKind.END_USER, None),
)


async def said_by(
    who: tuple[CallerKind, Role | None], engines: Engines, process: Process, stage: Stage, bounds: QueueBounds
) -> str:
    desk = TurnDesk(engines.database, engines.valkey, process.places, None, bounds=bounds)
    kind, role = who
    if role is not None:
        # Whoever opened it from the dashboard may talk in it.
        async with stage.database.transaction(stage.tenant_id) as db:
            opened = text("UPDATE chat_sessions SET channel = 'DASHBOARD' WHERE id = :id")
            await db.execute(opened, {"id": stage.session_id})
    key = caller_of(stage, (await stage.session()).account_id)
    try:
        await desk.submit(
            replace(key, kind=kind, role=role, session_id=stage.session_id), stage.session_id, HELLO
        )
    except (TooManyQueuedTurns, TurnQueueFull) as refused:
        return refused.code
    return "taken"


async def test_of_a_tenants_waiting_turns_end_users_fill_a_part_and_admins_have_a_reserve(
    engines: Engines, process: Process, stage: Stage
) -> None:
    bounds, refused = QueueBounds(OPEN_MAX, tenant=8), "too_many_queued_turns"
    await stage.write(count=5)

    found = [
        await said_by(who, engines, process, await stage.another(), bounds)
        for who in (END_USER, END_USER, KEY, END_USER, KEY, KEY, ADMIN, ADMIN)
    ]
    elsewhere = await said_by(KEY, engines, process, await stage.neighbour(), bounds)

    assert found == ["taken", refused, "taken", refused, "taken", refused, "taken", refused]
    assert elsewhere == "taken"


async def test_a_turn_that_need_not_wait_is_taken_however_many_do(
    engines: Engines, process: Process, stage: Stage
) -> None:
    # They wait for the turn before them, not for a place.
    await stage.write(count=5)
    process.places.open()

    assert (
        await said_by(END_USER, engines, process, await stage.another(), QueueBounds(9, tenant=4)) == "taken"
    )


async def test_an_end_user_fills_a_session_with_fewer_turns_than_others_may(
    engines: Engines, process: Process, stage: Stage
) -> None:
    await stage.write(count=2)
    async with stage.database.transaction(stage.tenant_id) as db:
        await db.execute(text("UPDATE chat_sessions SET last_turn_no = 2"))
    bounds = QueueBounds(4, end_users=3)

    found = [
        await said_by(who, engines, process, stage, bounds)
        for who in (END_USER, END_USER, KEY, END_USER, KEY, ADMIN, ADMIN)
    ]

    full = "turn_queue_full"
    assert found == ["taken", full, "taken", full, full, "taken", full]
