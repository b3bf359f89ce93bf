"""What is settled is stored once, by whoever has the segment's newest claim."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from turns.stage import Stage, ago, call_row, calls_segment, done, text_part

SAID = {"kind": "MODEL", "last_n": 7, "parts": [text_part("Let me look.")], "finish_reason": "tool-calls",
        "provider": "openai", "region": "eu", "model": "gpt", "response_id": "response-1", "input_tokens": 11,
        "output_tokens": 7, "cached_tokens": 3, "first_token_ms": 12}  # fmt: skip


async def test_a_settled_segment_is_stored_with_its_calls_and_the_driver_goes_on(stage: Stage) -> None:
    task, call = await stage.claimed(), call_row()

    settled = await stage.settle(task, SAID, planned=[call])

    [segment], [planned], found = (
        await stage.segments(task.turn),
        await stage.calls(task.turn),
        await stage.turn(task.turn),
    )
    assert settled is not None
    assert tuple(settled) == ("RUNNING", 2, 1, None)
    assert (segment.segment, segment.kind, segment.claim, segment.last_n) == (1, "MODEL", 1, 7)
    assert (segment.parts, segment.response_id) == (SAID["parts"], "response-1")
    assert (planned.id, planned.status, planned.segment, planned.arguments) == (
        call["id"],
        "PLANNED",
        1,
        {"of": 1},
    )
    assert (found.segment, found.claim, found.lease_id, found.first_token_ms) == (2, 1, task.lease_id, 12)
    assert found.claimable_at is not None
    assert found.claimable_at > ago(timedelta(0))


async def test_settling_renews_the_lease_and_forgets_the_attempts(stage: Stage) -> None:
    first = await stage.claimed()
    task = await stage.claim(first.turn)
    assert task.turn.segment_attempts == 1

    await stage.settle(task, SAID, planned=[call_row()])

    found = await stage.turn(task.turn)
    assert (found.segment_attempts, found.attempts) == (0, 2)


async def test_without_a_lease_the_turn_is_given_up_as_it_is_settled(stage: Stage) -> None:
    task = await stage.claimed()

    settled = await stage.settle(task, SAID, planned=[call_row()], lease=None)

    found = await stage.turn(task.turn)
    assert settled is not None
    assert tuple(settled) == ("RUNNING", 2, 0, None)
    assert (found.lease_id, found.claim) == (None, 0)
    assert found.claimable_at is not None
    assert found.claimable_at <= ago(timedelta(0))
    assert (await stage.claim(task.turn)).turn.claim == 1


@pytest.mark.parametrize(("segment", "claim"), [(1, 1), (2, 2), (0, 2), (3, 2), (1, 3)])
async def test_a_writer_with_another_segment_or_claim_settles_nothing(
    stage: Stage, segment: int, claim: int
) -> None:
    """The turn is in segment 1 under claim 2."""
    task = await stage.claim((await stage.claimed()).turn)

    assert await stage.settle(task, SAID, segment=segment, claim=claim) is None

    assert await stage.segments(task.turn) == []
    assert await stage.settle(task, SAID, segment=1, claim=2) is not None


async def test_a_zombie_of_an_earlier_segment_is_fenced_by_its_segment(stage: Stage) -> None:
    """Both have claim 1."""
    task = await stage.asked(call_row())

    assert await stage.settle(task, SAID, segment=3, claim=1) is None
    assert await stage.settle(task, calls_segment(), segment=2, claim=1, done=[]) is not None
    assert [one.segment for one in await stage.segments(task.turn)] == [1, 2]


async def test_a_settle_whose_answer_was_lost_is_answered_from_the_row(stage: Stage) -> None:
    task, call = await stage.claimed(), call_row()
    other = {**SAID, "parts": [text_part("Something else.")]}

    first = await stage.settle(task, SAID, planned=[call])
    again = await stage.settle(task, other, planned=[call_row()])

    assert first is not None
    assert again is not None
    assert tuple(again) == tuple(first) == ("RUNNING", 2, 1, None)
    assert [one.parts for one in await stage.segments(task.turn)] == [SAID["parts"]]
    assert [one.id for one in await stage.calls(task.turn)] == [call["id"]]


async def test_a_repeated_settle_gets_no_claim_of_a_turn_that_was_taken_over_since(stage: Stage) -> None:
    task = await stage.claimed()
    await stage.settle(task, SAID, planned=[call_row()])
    other = await stage.claim(task.turn)

    again = await stage.settle(task, SAID)

    assert (other.turn.segment, other.turn.claim) == (2, 2)
    assert again is not None
    assert tuple(again) == ("RUNNING", 2, 0, None)


async def test_a_repeated_settle_gets_no_claim_of_a_turn_that_waited_and_was_claimed_since(
    stage: Stage,
) -> None:
    call = call_row(gate="APPROVAL")
    task = await stage.waiting(call)
    await stage.decide(call)
    other = await stage.claim(task.turn)

    again = await stage.settle(task, calls_segment())

    assert (other.turn.segment, other.turn.claim) == (3, 1)
    assert again is not None
    assert tuple(again) == ("RUNNING", 3, 0, None)


async def test_of_many_that_settle_a_segment_one_writes_it(stage: Stage) -> None:
    task = await stage.claimed()
    said = [{**SAID, "parts": [text_part(str(n))]} for n in range(6)]

    settled = await asyncio.gather(*(stage.settle(task, one, planned=[call_row()]) for one in said))

    assert [one and tuple(one) for one in settled] == [("RUNNING", 2, 1, None)] * 6
    assert len(await stage.segments(task.turn)) == len(await stage.calls(task.turn)) == 1


async def test_a_turn_that_has_ended_is_not_settled(stage: Stage) -> None:
    task = await stage.claimed()
    await stage.set(task.turn, status="CANCELLED", lease_id=None, claimable_at=None)

    assert await stage.settle(task, SAID) is None


async def test_a_turn_is_settled_for_its_own_tenant_only(stage: Stage) -> None:
    task, neighbour = await stage.claimed(), await stage.neighbour()
    theirs = (neighbour.tenant_id, task.turn.id, task.lease_id, 1, 1, '{"kind": "MODEL"}', "[]", "[]", None)

    assert await stage.database.call("neo_settle_segment", *theirs) == []


async def test_when_each_call_has_an_outcome_the_model_is_next(stage: Stage) -> None:
    calls = [call_row(1), call_row(2)]
    task = await stage.asked(*calls)
    outcomes = [done(calls[0]), done(calls[1], "REFUSED", code="unknown_tool", error_text="No.")]

    settled = await stage.settle(task, calls_segment(), done=outcomes)

    assert settled is not None
    assert tuple(settled) == ("RUNNING", 3, 1, None)
    found = await stage.calls(task.turn)
    assert [(call.status, call.outcome_segment) for call in found] == [("OK", 2), ("REFUSED", 2)]
    assert [call.outcome for call in found] == [one["outcome"] for one in outcomes]


async def test_a_lease_that_is_not_the_turns_gets_no_claim(stage: Stage) -> None:
    task = await stage.claimed()
    await stage.settle(task, SAID)

    again = await stage.settle(task, SAID, lease_id=uuid4())

    assert again is not None
    assert again["claim"] == 0
