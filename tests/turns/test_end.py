"""A turn ends once, by whoever has its newest claim, with everything that it had; then its session goes on."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from neo.events import Fenced
from neo.turns.end import Ending, TurnEnder
from neo.turns.errors import TurnNotFound
from neo.turns.leases.claim import claim_turn
from neo.turns.models import ChatTurn, TurnStatus
from neo.turns.store import TurnStore
from turns.stage import MINUTE, Stage, ago, call_row, calls_segment, done, input_of, still, text_part

REPLY = [{"type": "step-start"}, text_part("Hello!")]
CONTINUES = {"provider": "openai", "region": "eu", "response_id": "response-1"}
LAST = {
    "kind": "MODEL",
    "last_n": 6,
    "parts": REPLY,
    "finish_reason": "stop",
    "input_tokens": 5,
    "output_tokens": 2,
}


def completed(segment: int = 1, claim: int = 1, **changed: Any) -> Ending:
    record = {"finish_reason": "stop", "model": "gpt"}
    ending = Ending(TurnStatus.COMPLETED, segment, claim, 7, last=LAST, continues=CONTINUES, record=record)
    return replace(ending, **changed)


def ender_of(stage: Stage) -> TurnEnder:
    return TurnEnder(stage.database, stage.events)


def terminal(turn: ChatTurn) -> tuple[int | None, int | None, int | None]:
    return turn.terminal_segment, turn.terminal_claim, turn.terminal_n


async def test_a_turn_ends_with_its_last_segment_its_reply_and_the_response_to_continue(stage: Stage) -> None:
    turn = (await stage.claimed()).turn

    returned = await ender_of(stage).end(input_of(turn), completed())

    ended, session, [segment] = await stage.turn(turn), await stage.session(), await stage.segments(turn)
    assert (returned.status, returned.finish_reason, returned.model) == ("COMPLETED", "stop", "gpt")
    assert (ended.status, ended.finish_reason, ended.model) == ("COMPLETED", "stop", "gpt")
    assert (ended.segment, ended.lease_id, ended.claimable_at) == (2, None, None)
    assert (segment.segment, segment.claim, segment.last_n) == (1, 1, 6)
    assert (terminal(ended), ended.ended_at) == ((1, 1, 7), returned.ended_at)
    assert await stage.reply(turn) == REPLY
    assert (session.continues_response_id, session.continues_turn_no) == ("response-1", 1)


async def test_a_turns_usage_is_that_of_all_its_segments(stage: Stage) -> None:
    call = call_row()
    task = await stage.claimed()
    said = {
        "kind": "MODEL",
        "last_n": 4,
        "parts": [],
        "input_tokens": 10,
        "output_tokens": 1,
        "cached_tokens": 4,
    }
    await stage.settle(task, said, planned=[call])
    task.turn.segment, task.turn.claim = 2, 1
    await stage.settle(task, calls_segment(), done=[done(call)])

    ended = await ender_of(stage).end(input_of(task.turn), completed(segment=3))

    assert (ended.input_tokens, ended.output_tokens, ended.cached_tokens) == (15, 3, 4)


async def test_a_failed_turn_leaves_the_response_to_continue_alone(stage: Stage) -> None:
    ender = ender_of(stage)
    await ender.end(input_of((await stage.claimed()).turn), completed())
    turn = (await stage.claimed()).turn

    failed = Ending(TurnStatus.FAILED, 1, 1, 3, record={"error_code": "x", "error_message": "X."})
    await ender.end(input_of(turn), failed)

    ended, session = await stage.turn(turn), await stage.session()
    assert (ended.status, ended.error_code, ended.error_message) == ("FAILED", "x", "X.")
    assert (ended.segment, terminal(ended)) == (1, (1, 1, 3))
    assert (ended.input_tokens, ended.output_tokens, ended.cached_tokens, ended.cost) == (None,) * 4
    assert await stage.reply(turn) is None
    assert (session.continues_response_id, session.continues_turn_no) == ("response-1", 1)


async def test_a_turn_that_fails_later_keeps_what_it_had_settled(stage: Stage) -> None:
    call = call_row()
    task = await stage.asked(call)
    await stage.settle(task, calls_segment(), done=[done(call, output={"found": 3})])

    failed = Ending(TurnStatus.FAILED, 3, 1, 3, record={"error_code": "x", "error_message": "X."})
    await ender_of(stage).end(input_of(task.turn), failed)

    said, tool = await stage.reply(task.turn) or []
    assert said == text_part("Wait.")
    assert (tool["type"], tool["toolCallId"], tool["state"]) == (
        "dynamic-tool",
        call["id"],
        "output-available",
    )
    assert tool["output"] == {"found": 3}
    assert terminal(await stage.turn(task.turn)) == (3, 1, 3)


async def test_ending_in_mid_work_ends_the_calls_and_their_requests(stage: Stage) -> None:
    """One was not sent, one waits for a decision, one is under way, one has its outcome."""
    planned, gated, apart, ended = (
        call_row(1),
        call_row(2, gate="APPROVAL"),
        call_row(3, apart=True),
        call_row(4),
    )
    task = await stage.waiting(gated, apart)
    await stage.decide(gated)
    task = await stage.claim(task.turn)
    asked_again = {**call_row(5, gate="APPROVAL")}
    await stage.settle(
        task, planned=[planned, ended, asked_again], done=[done(gated), still(apart, "RUNNING")]
    )
    task = await stage.claim(task.turn)
    waits = {
        "request_id": "00000000-0000-0000-0000-000000000001",
        "expires_at": ago(-MINUTE),
        "status": "WAITING",
    }
    noted = [done(ended), {"id": asked_again["id"], "outcome": None, **waits}]
    await stage.settle(task, calls_segment(), done=noted)
    task = await stage.claim(task.turn)

    await ender_of(stage).end_unwritten(input_of(task.turn), TurnStatus.CANCELLED)

    found = {call.id: call for call in await stage.calls(task.turn)}
    stood = [found[call["id"]].status for call in (planned, gated, apart, ended, asked_again)]
    assert stood == ["CANCELLED", "OK", "UNKNOWN", "OK", "CANCELLED"]
    assert all(call.outcome for call in found.values())
    assert ((await stage.request(gated)).status, (await stage.request(asked_again)).status) == (
        "APPROVED",
        "CANCELLED",
    )
    assert not await stage.decide(asked_again)
    assert not await stage.end_call(apart)


async def test_of_many_that_end_a_turn_one_does(stage: Stage) -> None:
    turn = (await stage.claimed()).turn
    ender = ender_of(stage)
    endings = [completed(terminal_n=n, record={"model": f"model-{n}"}) for n in range(1, 7)]

    ends = [ender.end(input_of(turn), ending) for ending in endings]
    outcomes = await asyncio.gather(*ends, return_exceptions=True)

    [winner] = [one for one in outcomes if not isinstance(one, BaseException)]
    assert [type(one) for one in outcomes if isinstance(one, BaseException)] == [Fenced] * 5
    assert (await stage.turn(turn)).model == winner.model


async def test_an_end_whose_answer_was_lost_is_answered_from_the_row(stage: Stage) -> None:
    turn, ender = (await stage.claimed()).turn, ender_of(stage)

    first, again = [await ender.end(input_of(turn), completed()) for _ in range(2)]

    assert (again.status, again.ended_at) == (first.status, first.ended_at)
    assert len(await stage.segments(turn)) == 1


async def test_a_writer_with_an_older_claim_or_segment_does_not_end_the_turn(stage: Stage) -> None:
    task = await stage.asked(call_row())
    task = await stage.claim(task.turn)
    ender = ender_of(stage)

    for segment, claim in ((2, 1), (1, 2), (1, 1), (3, 2)):
        with pytest.raises(Fenced):
            await ender.end(input_of(task.turn), completed(segment, claim))

    assert (await stage.turn(task.turn)).status == "RUNNING"
    assert await stage.reply(task.turn) is None
    assert (await ender.end(input_of(task.turn), completed(2, 2))).status == "COMPLETED"


@pytest.mark.parametrize(
    ("ends_as", "ended_as"), [("COMPLETED", "CANCELLED"), ("FAILED", "FAILED"), ("CANCELLED", "CANCELLED")]
)
async def test_a_cancel_that_was_accepted_wins_over_a_complete_answer(
    stage: Stage, ends_as: str, ended_as: str
) -> None:
    turn = (await stage.claimed()).turn
    await stage.cancel(turn)

    returned = await ender_of(stage).end(input_of(turn), Ending(TurnStatus(ends_as), 1, 1, 7, last=LAST))

    assert (returned.status, (await stage.turn(turn)).status) == (ended_as, ended_as)
    assert await stage.reply(turn) == REPLY


async def test_a_cancel_after_the_end_changes_nothing(stage: Stage) -> None:
    turn = (await stage.claimed()).turn
    await ender_of(stage).end(input_of(turn), completed())

    await stage.cancel(turn)

    ended = await stage.turn(turn)
    assert (ended.status, ended.cancel_requested_at) == ("COMPLETED", None)


@pytest.mark.parametrize("stands", ["queued", "running", "waiting"])
async def test_an_end_that_nobody_writes_has_its_terminal_in_the_first_unsettled_segments_replay(
    stage: Stage, stands: str
) -> None:
    if stands == "queued":
        turn = await stage.claimable()
    elif stands == "running":
        turn = (await stage.asked(call_row())).turn
    else:
        turn = (await stage.waiting(call_row(gate="APPROVAL"))).turn

    assert await ender_of(stage).end_unwritten(input_of(turn), TurnStatus.CANCELLED)
    assert not await ender_of(stage).end_unwritten(input_of(turn), TurnStatus.FAILED)

    ended = await stage.turn(turn)
    assert (ended.status, ended.waiting_for, ended.claimable_at) == ("CANCELLED", None, None)
    assert terminal(ended) == ({"queued": 1, "running": 2, "waiting": 3}[stands], 63, 1)
    assert ended.finish_reason == (None if stands == "queued" else "cancelled")


async def test_the_sessions_next_turn_is_claimable_at_the_end_and_no_other(stage: Stage) -> None:
    turn = (await stage.claimed()).turn
    following, after = await stage.queued(), await stage.queued()

    await ender_of(stage).end(input_of(turn), completed())

    assert (await stage.turn(following)).claimable_at is not None
    assert (await stage.turn(after)).claimable_at is None
    assert await claim_turn(stage.database, following.id, takes_over=False) is not None


@pytest.mark.parametrize("waits", [False, True])
async def test_no_turn_is_claimable_while_one_before_it_is_open(stage: Stage, *, waits: bool) -> None:
    """A queued one between them is cancelled."""
    first = await (stage.waiting(call_row(gate="APPROVAL")) if waits else stage.claimed())
    middle, last = await stage.queued(), await stage.queued()

    await ender_of(stage).end_unwritten(input_of(middle), TurnStatus.CANCELLED)

    assert (await stage.turn(last)).claimable_at is None
    await ender_of(stage).end_unwritten(input_of(first.turn), TurnStatus.CANCELLED)
    assert (await stage.turn(last)).claimable_at is not None


async def test_a_turn_is_ended_for_its_own_tenant_only(stage: Stage) -> None:
    turn = (await stage.claimed()).turn
    other = await stage.neighbour()
    theirs = replace(input_of(turn), tenant_id=str(other.tenant_id))

    with pytest.raises(Fenced):
        await ender_of(stage).end(theirs, completed())

    assert (await stage.turn(turn)).status == "RUNNING"


async def test_a_turn_is_found_in_its_own_session_only(stage: Stage) -> None:
    turn = await stage.queued()
    other = await stage.another()

    async with stage.database.transaction(stage.tenant_id) as db:
        with pytest.raises(TurnNotFound):
            await TurnStore(db, stage.tenant_id).lock(other.session_id, turn.id)
