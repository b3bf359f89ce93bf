"""Each rule of turns that have ended, and of what was settled, broken by hand: it is found, and put right if it can."""

from uuid import uuid4

import pytest

from cli.doctor.ward import Ward, states
from neo.cli.doctor.turns.ended_turns import ENDED_TURNS
from neo.cli.doctor.turns.open_turns import OPEN_TURNS

SET = "UPDATE chat_turns SET {} WHERE id = :id"


async def test_ends_that_are_missing_or_too_many_are_put_right(ward: Ward) -> None:
    _, [closed] = await ward.bare.session("COMPLETED")
    _, [open_turn] = await ward.bare.session("RUNNING")
    await ward.bare.change("UPDATE chat_turns SET ended_at = NULL, total_ms = 500 WHERE id = :id", id=closed)
    await ward.bare.change(
        "UPDATE chat_turns SET ended_at = now(), started_at = now() WHERE id = :id", id=open_turn
    )

    checks = await ward.repaired()

    found = await ward.bare.row("chat_turns", closed)
    assert states(checks, "ended turns have a time") == ["problem", "repaired", "ok"]
    assert (found.ended_at - found.created_at).total_seconds() == 0.5
    assert (await ward.bare.row("chat_turns", open_turn)).ended_at is None
    await ward.bare.change(
        "UPDATE chat_turns SET status = 'CANCELLED', ended_at = now() WHERE id = :id", id=open_turn
    )


async def test_a_failed_turn_without_a_reason_gets_one(ward: Ward) -> None:
    _, [turn_id] = await ward.bare.session("FAILED")
    await ward.bare.change(SET.format("error_code = NULL"), id=turn_id)

    checks = await ward.repaired()

    assert states(checks, "failed turns say why") == ["problem", "repaired", "ok"]
    assert (await ward.bare.row("chat_turns", turn_id)).error_code == "turn_lost"


@pytest.mark.parametrize("left", ["claimable_at = now()", "lease_id = :lease", "waiting_for = 'CALL'"])
async def test_an_ended_turn_that_could_run_again_is_let_go(ward: Ward, left: str) -> None:
    _, [turn_id] = await ward.bare.session("COMPLETED")
    await ward.bare.change(SET.format(left), id=turn_id, **({"lease": uuid4()} if ":lease" in left else {}))

    checks = await ward.repaired()

    turn = await ward.bare.row("chat_turns", turn_id)
    assert states(checks, "ended turns are let go") == ["problem", "repaired", "ok"]
    assert (turn.status, turn.claimable_at, turn.lease_id, turn.waiting_for) == (
        "COMPLETED",
        None,
        None,
        None,
    )


async def test_calls_and_requests_that_an_ended_turn_left_are_ended(ward: Ward) -> None:
    turn_id, call_id = await ward.bare.waiting()
    await ward.bare.change(
        SET.format("status = 'CANCELLED', waiting_for = NULL, ended_at = now()"), id=turn_id
    )

    checks = await ward.repaired()

    turn, call = await ward.bare.row("chat_turns", turn_id), await ward.bare.row("tool_calls", call_id)
    request = await ward.bare.row("approval_requests", call_id, column="call_id")
    assert states(checks, "ended turns are let go") == ["problem", "repaired", "ok"]
    assert (call.status, request.status) == ("CANCELLED", "CANCELLED")
    assert (turn.terminal_segment, turn.terminal_claim, turn.terminal_n) == (3, 63, 1)


@pytest.mark.parametrize(
    "broken",
    [
        "terminal_n = NULL",
        "terminal_segment = NULL, terminal_claim = NULL, terminal_n = NULL",
        "terminal_segment = 7",
    ],
)
async def test_a_turn_whose_end_is_nowhere_ends_in_postgresql(ward: Ward, broken: str) -> None:
    _, [turn_id] = await ward.bare.session("COMPLETED")
    await ward.bare.change(SET.format(broken), id=turn_id)

    checks = await ward.repaired()

    turn = await ward.bare.row("chat_turns", turn_id)
    assert states(checks, "ended turns have a terminal") == ["problem", "repaired", "ok"]
    assert (turn.terminal_segment, turn.terminal_claim, turn.terminal_n) == (2, 63, 1)


async def test_an_open_turn_has_no_terminal(ward: Ward) -> None:
    _, [turn_id] = await ward.bare.session("RUNNING")
    await ward.bare.change(SET.format("terminal_segment = 1, terminal_claim = 1, terminal_n = 1"), id=turn_id)

    checks = await ward.repaired()

    assert states(checks, "ended turns have a terminal") == ["problem", "repaired", "ok"]
    assert (await ward.bare.row("chat_turns", turn_id)).terminal_n is None


async def test_a_turn_of_before_segments_has_none(ward: Ward) -> None:
    _, [turn_id] = await ward.bare.session("COMPLETED")
    none = "claim = 0, terminal_segment = NULL, terminal_claim = NULL, terminal_n = NULL"
    await ward.bare.change(SET.format(none), id=turn_id)

    checks = await ward.examined()

    assert states(checks, "ended turns have a terminal") == ["ok"]


@pytest.mark.parametrize(
    ("name", "broken", "mended"),
    [
        ("completed turns are whole", "output_tokens = NULL", "output_tokens = 1"),
        ("segments in a row", "segment = 4, terminal_segment = 4", "segment = 2, terminal_segment = 1"),
        ("turns in a row", "turn_no = 3", "turn_no = 1"),
    ],
)
async def test_what_must_be_understood_first_is_named_and_not_touched(
    ward: Ward, name: str, broken: str, mended: str
) -> None:
    session_id, [turn_id] = await ward.bare.session("COMPLETED")
    await ward.bare.change(SET.format(broken), id=turn_id)
    before = await ward.bare.row("chat_turns", turn_id)

    checks = await ward.repaired()

    after = await ward.bare.row("chat_turns", turn_id)
    await ward.bare.change(SET.format(mended), id=turn_id)
    await ward.bare.change("UPDATE chat_sessions SET last_turn_no = 1 WHERE id = :id", id=session_id)
    assert states(checks, name) == ["problem"]
    assert str(session_id if name == "turns in a row" else turn_id) in checks[name][0].said
    assert after == before


async def test_a_completed_turn_without_its_reply_is_named(ward: Ward) -> None:
    _, [turn_id] = await ward.bare.session("COMPLETED")
    of_reply = "id = (SELECT reply_message_id FROM chat_turns WHERE id = :id)"
    moved = f"UPDATE chat_messages SET id = :other WHERE {of_reply}"
    other = uuid4()
    await ward.bare.change(moved, id=turn_id, other=other)

    checks = await ward.repaired()

    back = "UPDATE chat_messages SET id = (SELECT reply_message_id FROM chat_turns WHERE id = :id) WHERE id = :other"
    await ward.bare.change(back, id=turn_id, other=other)
    assert states(checks, "completed turns have a reply") == ["problem"]
    assert str(turn_id) in checks["completed turns have a reply"][0].said


@pytest.mark.parametrize("wrong", [0, 1, 7])
async def test_a_session_that_miscounts_its_turns_counts_anew(ward: Ward, wrong: int) -> None:
    session_id, _ = await ward.bare.session("COMPLETED", "COMPLETED")
    await ward.bare.change(
        "UPDATE chat_sessions SET last_turn_no = :wrong WHERE id = :id", wrong=wrong, id=session_id
    )

    checks = await ward.repaired()

    assert states(checks, "sessions count their turns") == ["problem", "repaired", "ok"]
    assert (await ward.bare.row("chat_sessions", session_id)).last_turn_no == 2


def test_every_check_of_the_turns_can_be_repaired_or_must_be_understood_first() -> None:
    assert {one.name for one in (*OPEN_TURNS, *ENDED_TURNS) if one.repair is None} == {
        "one turn at a time",
        "completed turns are whole",
        "completed turns have a reply",
        "segments in a row",
        "turns in a row",
    }
