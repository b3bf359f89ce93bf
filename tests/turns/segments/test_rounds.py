"""What a turn's settled segments say to the model, and when it is asked for the last time."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from neo.events import Position
from neo.turns.leases.claim import Task
from neo.turns.segments.rounds import MODEL_SEGMENTS_MAX, SettledRounds, read_rounds, rounds_of
from turns.stage import Stage, ago, call_row, calls_segment, done, text_part

REFUSED = {"status": "REFUSED", "code": "unknown_tool", "error_text": "unknown_tool: no."}


async def rounds(stage: Stage, task: Task) -> SettledRounds:
    async with stage.database.transaction(stage.tenant_id) as db:
        return await read_rounds(db, task.turn)


async def settle_round(stage: Stage, task: Task, *outcomes: dict[str, Any]) -> list[dict[str, Any]]:
    """The model asks for as many calls, and each has its outcome."""
    calls = [call_row(position) for position, _ in enumerate(outcomes, 1)]
    segment = task.turn.segment
    said = {"kind": "MODEL", "last_n": 4, "parts": [{"type": "step-start"}, text_part(f"Round {segment}.")],
            "response_id": f"response-{segment}", "provider": "openai", "region": "eu"}  # fmt: skip
    await stage.settle(task, said, planned=calls)
    task.go_on(segment + 1, 1, Position(task.turn.turn_no, segment, 1, 4))
    noted = [done(call, **outcome) for call, outcome in zip(calls, outcomes, strict=True)]
    await stage.settle(task, calls_segment(), done=noted)
    task.go_on(segment + 2, 1, Position(task.turn.turn_no, segment + 1, 1, 3))
    return calls


async def test_a_round_is_what_was_said_what_was_asked_for_and_what_came_of_it(stage: Stage) -> None:
    task = await stage.claimed()
    await settle_round(stage, task, {"output": {"found": 3}}, {"output": "As text."}, REFUSED)
    await settle_round(stage, task, {"output": None})

    found = await rounds(stage, task)

    first, second = found.rounds
    assert (first.text, second.text) == ("Round 1.", "Round 3.")
    assert [(call.call_id, call.name, call.arguments_json) for call in first.calls] == [
        (f"provider-{n}", "look_up", f'{{"of":{n}}}') for n in (1, 2, 3)
    ]
    assert [(one.call_id, one.text, one.is_error) for one in first.outcomes] == [
        ("provider-1", '{"found":3}', False),
        ("provider-2", "As text.", False),
        ("provider-3", "unknown_tool: no.", True),
    ]
    assert [one.text for one in second.outcomes] == ["null"]


async def test_the_newest_model_segment_is_the_one_to_continue(stage: Stage) -> None:
    task = await stage.claimed()
    assert (await rounds(stage, task)).newest is None
    await settle_round(stage, task, {"output": 1})
    await settle_round(stage, task, {"output": 2})

    newest = (await rounds(stage, task)).newest

    assert newest is not None
    assert (newest.segment, newest.response_id) == (3, "response-3")


async def test_after_two_rounds_that_were_refused_as_a_whole_the_model_is_asked_once_more(
    stage: Stage,
) -> None:
    task = await stage.claimed()
    over = []

    for outcomes in ([REFUSED], [REFUSED, {"output": 1}], [REFUSED, REFUSED]):
        await settle_round(stage, task, *outcomes)
        over.append((await rounds(stage, task)).is_over)

    assert over == [False, False, True]


async def test_after_twenty_rounds_the_model_is_asked_once_more(stage: Stage) -> None:
    task = await stage.claimed()
    for _ in range(MODEL_SEGMENTS_MAX - 1):
        await settle_round(stage, task, {"output": 1})
    before = await rounds(stage, task)
    await settle_round(stage, task, {"output": 1})

    assert (before.is_over, (await rounds(stage, task)).is_over) == (False, True)


# Settled segments, by how many seconds ago, of a turn that began an hour ago.
WORKED = [("CALLS", 3400)]
WAITED = [("CALLS", 3400), ("CALLS", 100)]
SEGMENT = text(
    "INSERT INTO turn_segments (tenant_id, turn_id, segment, kind, claim, settled_at) "
    "VALUES (:tenant, :turn, :segment, :kind, 1, now() - make_interval(secs => :ago))"
)


@pytest.mark.parametrize(("segments", "why"), [(WORKED, "it has taken too long"), (WAITED, None)])
async def test_a_turn_is_over_that_was_worked_on_for_long_and_not_one_that_has_waited(
    stage: Stage, segments: list[tuple[str, int]], why: str | None
) -> None:
    task = await stage.claimed()
    await stage.set(task.turn, started_at=ago(timedelta(hours=1)))
    async with stage.database.transaction(stage.tenant_id) as db:
        for number, (kind, seconds) in enumerate(segments, 1):
            of = {"tenant": stage.tenant_id, "turn": task.turn.id, "segment": number, "kind": kind}
            await db.execute(SEGMENT, {**of, "ago": seconds})
        found = await read_rounds(db, task.turn, has_tools=True, seconds_max=1800)

    assert found.why_over == why


async def test_another_turns_rounds_are_not_given(stage: Stage) -> None:
    other = await stage.another()
    theirs = await other.claimed()
    await settle_round(other, theirs, {"output": 1})

    assert (await rounds(stage, await stage.claimed())).rounds == []


def tool(call_id: str, **outcome: Any) -> dict[str, Any]:
    return {
        "type": "dynamic-tool",
        "toolName": "look",
        "toolCallId": call_id,
        "input": {"of": call_id},
        **outcome,
    }


@pytest.mark.parametrize(
    ("parts", "texts", "rest"),
    [
        ([], [], ""),
        ([text_part("Only text.")], [], "Only text."),
        ([text_part("A"), tool("1", output=1), text_part("B"), tool("2", output=2)], ["A", "B"], ""),
        ([tool("1", output=1), tool("2", errorText="No."), text_part("B"), text_part("C")], [""], "BC"),
    ],
)
def test_a_stored_reply_has_its_rounds_and_the_text_after_them(
    parts: list[dict[str, Any]], texts: list[str], rest: str
) -> None:
    found, text = rounds_of(parts)

    assert ([one.text for one in found], text) == (texts, rest)


def test_a_stored_call_without_an_outcome_is_given_one() -> None:
    [found], _ = rounds_of([tool("1", state="input-available")])

    [outcome] = found.outcomes
    assert outcome.is_error
    assert outcome.text
