"""A claimed turn is driven segment by segment, until it has ended, waits, or is given up."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from neo.turns.errors import TURN_LOST
from neo.turns.leases.claim import Task
from neo.turns.leases.driver import Outcome
from neo.turns.models import ChatTurn
from turns.driving import LATE_SECONDS, Process
from turns.stage import Stage, types

SLOW = "scripted:tokens=200,delay_ms=50"


async def until(holds: Callable[[], Any]) -> Any:
    """What it returns once that is true."""
    async with asyncio.timeout(LATE_SECONDS):
        while not (found := await holds()):
            await asyncio.sleep(0.02)
    return found


async def asking(stage: Stage, model: str, **columns: Any) -> tuple[Stage, Task]:
    """A claimed turn whose agent has this model."""
    here = await stage.another(model)
    return here, await here.claimed(**columns)


async def begun(
    stage: Stage, process: Process, model: str = SLOW
) -> tuple[Stage, Task, asyncio.Task[Outcome]]:
    """A turn that is driven, and whose answer has begun."""
    here, task = await asking(stage, model)
    driving = process.begin(task)

    async def has_text() -> bool:
        return "text-delta" in types(await here.streamed())

    await until(has_text)
    return here, task, driving


def said(parts: list[dict[str, Any]] | None) -> list[str]:
    """The types of a reply's parts, and the text of those that have some."""
    return [part.get("text") or part.get("state") or part["type"] for part in parts or []]


async def test_an_answer_without_calls_ends_the_turn(stage: Stage, process: Process) -> None:
    here, task = await asking(stage, "scripted:tokens=2")

    assert await process.drive(task) is Outcome.ENDED

    ended, streamed = await here.turn(task.turn), await here.streamed()
    assert (ended.status, ended.finish_reason, ended.segment) == ("COMPLETED", "stop", 2)
    assert types(streamed)[:2] == ["start", "start-step"]
    assert types(streamed)[-2:] == ["finish-step", "finish"]
    assert streamed[-1][0] == (1, ended.terminal_segment, ended.terminal_claim, ended.terminal_n)


async def test_calls_of_unknown_tools_are_refused_and_the_model_answers_to_that(
    stage: Stage, process: Process
) -> None:
    here, task = await asking(stage, "scripted:tokens=1,tool=look_up,calls=2")

    assert await process.drive(task) is Outcome.ENDED

    ended, segments = await here.turn(task.turn), await here.segments(task.turn)
    assert [(one.kind, one.claim) for one in segments] == [("MODEL", 1), ("CALLS", 1), ("MODEL", 1)]
    assert (ended.status, ended.finish_reason, ended.segment) == ("COMPLETED", "stop", 4)
    assert [call.status for call in await here.calls(task.turn)] == ["REFUSED"] * 2
    assert "got unknown_tool: there is no tool named 'look_up'." in "".join(said(segments[2].parts))
    streamed = await here.streamed()
    assert types(streamed).count("tool-input-error") == 2
    assert types(streamed).count("start-step") == types(streamed).count("finish-step") == 2
    # What is numbered last in each segment is what the next one goes on from.
    ends = {position[1]: position.n for position, _ in streamed}
    assert [one.last_n for one in segments] == [ends[1], ends[2], ends[3] - 1]


async def test_a_model_that_asks_for_ever_is_refused_twice_and_then_not_asked_for_calls(
    stage: Stage, process: Process
) -> None:
    here, task = await asking(stage, "scripted:tokens=1,tool_call")

    assert await process.drive(task) is Outcome.ENDED

    ended = await here.turn(task.turn)
    kinds = [one.kind for one in await here.segments(task.turn)]
    assert (ended.status, ended.finish_reason) == ("COMPLETED", "other")
    assert kinds == ["MODEL", "CALLS", "MODEL", "CALLS", "MODEL"]
    assert len(await here.calls(task.turn)) == 2
    assert (await here.session()).continues_response_id is None


@pytest.mark.parametrize(("segment", "calls", "asks"), [(996, 2, True), (997, 2, False)])
async def test_a_turn_that_has_no_segments_left_for_its_calls_ends_without_them(
    stage: Stage, process: Process, segment: int, calls: int, *, asks: bool
) -> None:
    here = await stage.another(f"scripted:tokens=1,tool=look_up,calls={calls}")
    turn = await here.claimable(segment=segment)

    assert await process.drive(await here.claim(turn)) is Outcome.ENDED

    ended = await here.turn(turn)
    assert (ended.status, ended.finish_reason) == ("COMPLETED", "stop" if asks else "other")
    assert len(await here.calls(turn)) == (calls if asks else 0)


async def test_a_gated_call_has_the_turn_wait_and_the_decision_is_what_the_model_hears_of(
    stage: Stage, process: Process
) -> None:
    here, task = await asking(stage, "scripted:tokens=1,tool=gated+apart,calls=2")

    assert await process.drive(task) is Outcome.WAITING

    gated, apart = await here.calls(task.turn)
    assert ((await here.turn(task.turn)).waiting_for, gated.status, apart.status) == (
        "APPROVAL",
        "WAITING",
        "RUNNING",
    )
    *_, (position, waiting) = await here.streamed()
    assert (waiting["type"], waiting["data"]["cursor"]) == ("data-turn-waiting", str(position))
    assert waiting["data"]["calls"] == [gated.id, apart.id]
    assert await here.decide({"id": gated.id})
    assert await process.drive(await here.claim(task.turn)) is Outcome.WAITING
    assert (await here.turn(task.turn)).waiting_for == "CALL"
    assert await here.end_call({"id": apart.id}, output="apart is done")
    assert await process.drive(await here.claim(task.turn)) is Outcome.ENDED

    kinds = [one.kind for one in await here.segments(task.turn)]
    assert kinds == ["MODEL", "CALLS", "CALLS", "CALLS", "MODEL"]
    reply = await here.reply(task.turn)
    assert [part["state"] for part in reply or [] if part["type"] == "dynamic-tool"] == [
        "output-available"
    ] * 2
    assert "apart is done" in "".join(said(reply))
    wired = types(await here.streamed())
    assert (wired.count("tool-approval-request"), wired.count("tool-output-available")) == (1, 2)


async def test_a_rejected_call_is_denied_and_the_turn_goes_on(stage: Stage, process: Process) -> None:
    here, task = await asking(stage, "scripted:tokens=1,tool=gated")
    await process.drive(task)
    [call] = await here.calls(task.turn)

    await here.decide({"id": call.id}, "REJECTED")

    assert await process.drive(await here.claim(task.turn)) is Outcome.ENDED
    assert [one.status for one in await here.calls(task.turn)] == ["REJECTED"]
    assert "tool-output-denied" in types(await here.streamed())
    assert "output-denied" in said(await here.reply(task.turn))


async def test_a_process_that_drains_gives_the_turn_up_as_its_segment_is_settled(
    stage: Stage, process: Process
) -> None:
    here, task = await asking(stage, "scripted:tokens=1,tool=look_up")
    process.settler.drain()

    assert await process.drive(task) is Outcome.MORE

    found = await here.turn(task.turn)
    assert (found.status, found.segment, found.claim, found.lease_id) == ("RUNNING", 2, 0, None)
    again = await here.claim(found)
    assert (again.turn.claim, again.turn.attempts) == (1, 1)


async def test_a_drive_that_is_stopped_gives_the_turn_up_and_the_next_one_begins_the_segment_anew(
    stage: Stage, process: Process
) -> None:
    here, task, driving = await begun(stage, process, "scripted:tokens=40,delay_ms=20")

    driving.cancel()
    await asyncio.gather(driving, return_exceptions=True)

    found = await here.turn(task.turn)
    assert (found.status, found.lease_id, found.segment_attempts) == ("RUNNING", None, 0)
    assert await process.drive(await here.claim(task.turn)) is Outcome.ENDED
    streamed = [(position, chunk) for position, chunk in await here.streamed() if position.claim == 2]
    assert types(streamed)[:3] == ["start", "data-turn-restarted", "start-step"]
    assert types(streamed)[-1] == "finish"
    [segment] = await here.segments(task.turn)
    assert (segment.claim, (await here.turn(task.turn)).attempts) == (2, 1)


async def test_a_driver_that_lost_its_lease_stops_and_writes_nothing_more(
    stage: Stage, process: Process
) -> None:
    here, task, driving = await begun(stage, process)
    other = await here.claim(task.turn)

    await process.renewal._renew()
    async with asyncio.timeout(LATE_SECONDS):
        assert await driving is Outcome.MORE

    found = await here.turn(task.turn)
    assert (found.status, found.claim, found.lease_id) == ("RUNNING", 2, other.lease_id)
    assert await here.segments(task.turn) == []


async def test_a_driver_that_thaws_is_fenced_by_its_settle(stage: Stage, process: Process) -> None:
    """Nobody tells it that its lease is lost."""
    here, task = await asking(stage, "scripted:tokens=3")
    other = await here.claim(task.turn)

    assert await process.drive(task) is Outcome.MORE

    assert (await here.turn(task.turn)).status == "RUNNING"
    assert await process.drive(other) is Outcome.ENDED
    assert len(await here.segments(task.turn)) == 1


async def test_a_cancel_stops_the_model_and_keeps_what_it_has_said(stage: Stage, process: Process) -> None:
    here, task, driving = await begun(stage, process)

    process.leases.cancel(task.turn.id)
    async with asyncio.timeout(LATE_SECONDS):
        assert await driving is Outcome.ENDED

    ended, reply = await here.turn(task.turn), await here.reply(task.turn)
    assert (ended.status, ended.finish_reason) == ("CANCELLED", "cancelled")
    assert said(reply)[1].startswith("w1 ")
    assert types(await here.streamed())[-2:] == ["finish-step", "abort"]


async def test_a_cancel_between_two_segments_ends_the_turn_without_a_writer(
    stage: Stage, process: Process
) -> None:
    here = await stage.another()
    task = await here.asked({**CALL, "id": f"call-{here.session_id}"})
    await here.cancel(task.turn)

    assert await process.drive(await here.claim(task.turn)) is Outcome.ENDED

    ended = await here.turn(task.turn)
    assert (ended.status, ended.terminal_segment, ended.terminal_claim, ended.terminal_n) == (
        "CANCELLED",
        2,
        63,
        1,
    )
    assert [call.status for call in await here.calls(task.turn)] == ["CANCELLED"]


async def test_a_turn_that_was_begun_too_often_is_lost(stage: Stage, process: Process) -> None:
    here = await stage.another()
    task = await here.asked({**CALL, "id": f"call-{here.session_id}"})
    await here.set(task.turn, segment_attempts=5)

    assert await process.drive(await here.claim(task.turn)) is Outcome.ENDED

    ended = await here.turn(task.turn)
    assert (ended.status, ended.error_code, ended.terminal_claim) == ("FAILED", TURN_LOST, 63)
    assert said(await here.reply(task.turn)) == ["Wait.", "output-error"]


async def test_a_provider_that_fails_is_asked_three_times(stage: Stage, process: Process) -> None:
    here, task = await asking(stage, "scripted:status=503")
    turns: list[ChatTurn] = []

    for _ in range(2):
        assert await process.drive(task) is Outcome.MORE
        turns.append(await here.turn(task.turn))
        task = await here.claim(task.turn)
    assert await process.drive(task) is Outcome.ENDED

    ended = await here.turn(task.turn)
    assert [(turn.status, turn.segment_attempts, turn.lease_id) for turn in turns] == [
        ("RUNNING", 1, None),
        ("RUNNING", 2, None),
    ]
    assert (ended.status, ended.error_code, ended.attempts) == ("FAILED", "provider_unavailable", 3)
    assert types(await here.streamed())[-1] == "error"


CALL = {
    "position": 1, "provider_call_id": "provider-1", "name": "look_up", "arguments": {}, "digest": "00",
    "gate": "AUTO", "runs_apart": False,
}  # fmt: skip
