"""Each rule of open turns, broken by hand: it is found, and the turn goes on."""

from uuid import UUID, uuid4

import pytest

from cli.doctor.ward import Ward, states

CLAIMED = "claimable turns are claimed"
LAPSED = "UPDATE chat_turns SET lease_id = :lease, claimable_at = now() - interval '1 minute' WHERE id = :id"


@pytest.fixture(autouse=True)
async def nothing_claimable(ward: Ward) -> None:
    """No process, and no turn of another test that could be claimed."""
    await ward.bare.by_owner("DELETE FROM turn_processes")
    await ward.bare.by_owner("UPDATE chat_turns SET lease_id = NULL WHERE lease_id IS NOT NULL")
    later = "UPDATE chat_turns SET claimable_at = now() + interval '1 day' WHERE claimable_at IS NOT NULL"
    await ward.bare.by_owner(later)


async def set_claimable(ward: Ward, turn_id: UUID, when: str) -> None:
    await ward.bare.change(f"UPDATE chat_turns SET claimable_at = {when} WHERE id = :id", id=turn_id)


async def claimed_by_hand(ward: Ward, *, seconds: int) -> None:
    """A turn with a lease of this length from now."""
    _, [turn_id] = await ward.bare.session("RUNNING")
    lease = "UPDATE chat_turns SET lease_id = :lease, claimable_at = now() + :seconds * interval '1 s' WHERE id = :id"
    await ward.bare.change(lease, lease=uuid4(), seconds=seconds, id=turn_id)


@pytest.mark.parametrize(
    "statuses", [["QUEUED"], ["RUNNING"], ["COMPLETED", "QUEUED"], ["RUNNING", "QUEUED"]]
)
async def test_a_first_turn_that_nobody_may_claim_is_made_claimable(ward: Ward, statuses: list[str]) -> None:
    _, turn_ids = await ward.bare.session(*statuses)
    first = turn_ids[1 if statuses[0] == "COMPLETED" else 0]
    await set_claimable(ward, first, "NULL")

    checks = await ward.repaired()

    open_turns = [await ward.bare.row("chat_turns", turn_id) for turn_id in turn_ids]
    assert states(checks, "first turns can go on") == ["problem", "repaired", "ok"]
    assert [turn.id for turn in open_turns if turn.claimable_at is not None] == [first]


async def test_a_turn_behind_an_open_one_is_made_to_wait(ward: Ward) -> None:
    _, [first, behind] = await ward.bare.session("RUNNING", "QUEUED")
    await set_claimable(ward, behind, "now()")

    checks = await ward.repaired()

    assert states(checks, "queued turns wait") == ["problem", "repaired", "ok"]
    assert (await ward.bare.row("chat_turns", behind)).claimable_at is None
    assert (await ward.bare.row("chat_turns", first)).claimable_at is not None


async def test_a_lease_that_has_long_passed_is_released_while_a_process_has_a_place(ward: Ward) -> None:
    _, [turn_id] = await ward.bare.session("RUNNING")
    await ward.bare.change(LAPSED, lease=uuid4(), id=turn_id)
    await ward.bare.renew(places=1_000)

    checks = await ward.repaired()

    turn = await ward.bare.row("chat_turns", turn_id)
    assert states(checks, CLAIMED) == ["problem", "repaired", "ok"]
    assert (turn.lease_id, turn.segment_attempts, turn.status) == (None, 1, "RUNNING")


async def test_without_a_process_a_turn_waits_and_the_process_is_what_is_missing(ward: Ward) -> None:
    _, [turn_id] = await ward.bare.session("RUNNING")
    await ward.bare.change(LAPSED, lease=uuid4(), id=turn_id)

    checks = await ward.repaired()

    assert (states(checks, CLAIMED), states(checks, "turn processes")) == (["ok"], ["problem"])
    assert "longest has been claimable for" in checks["turn processes"][0].said


async def test_a_turn_that_waits_for_a_place_is_not_broken(ward: Ward) -> None:
    _, [turn_id] = await ward.bare.session("QUEUED")
    await set_claimable(ward, turn_id, "now() - interval '1 minute'")
    for _ in range(2):
        await claimed_by_hand(ward, seconds=60)
    # Of three places the tenant has two, and the last one is for others.
    await ward.bare.renew(places=3)

    checks = await ward.examined()

    assert (states(checks, CLAIMED), states(checks, "turn processes")) == (["ok"], ["warning"])


async def test_a_waiting_turn_that_waits_for_somebody_is_fine(ward: Ward) -> None:
    await ward.bare.waiting()

    checks = await ward.examined()

    assert (states(checks, "waiting turns can go on"), states(checks, "requests expire")) == (["ok"], ["ok"])


@pytest.mark.parametrize(
    "come",
    [
        "UPDATE approval_requests SET status = 'APPROVED' WHERE call_id = :id",
        "UPDATE tool_calls SET status = 'OK', outcome = '{}', outcome_segment = 2 WHERE id = :id",
        "UPDATE tool_calls SET status = 'OK', outcome = '{}' WHERE id = :id",
    ],
    ids=["decided", "settled", "has its outcome"],
)
async def test_a_turn_that_waits_for_what_has_come_goes_on(ward: Ward, come: str) -> None:
    turn_id, call_id = await ward.bare.waiting()
    await ward.bare.change(come, id=call_id)

    checks = await ward.repaired()

    turn = await ward.bare.row("chat_turns", turn_id)
    assert states(checks, "waiting turns can go on") == ["problem", "repaired", "ok"]
    assert (turn.status, turn.waiting_for, turn.lease_id) == ("RUNNING", None, None)
    assert turn.claimable_at is not None


async def test_a_call_that_nobody_was_asked_about_is_asked_about_anew(ward: Ward) -> None:
    turn_id, _ = await ward.bare.waiting()
    other_id, other_call = await ward.bare.waiting()
    await ward.bare.change(
        "UPDATE approval_requests SET call_id = :stray WHERE call_id = :id",
        stray=await stray_call(ward, other_id),
        id=other_call,
    )

    checks = await ward.repaired()

    statuses = [(await ward.bare.row("chat_turns", one)).status for one in (turn_id, other_id)]
    assert states(checks, "waiting turns can go on") == ["problem", "repaired", "ok"]
    assert statuses == ["WAITING", "RUNNING"]


async def stray_call(ward: Ward, turn_id: UUID) -> str:
    call_id = f"call_{uuid4().hex}"
    stray = """
    INSERT INTO tool_calls (id, tenant_id, turn_id, segment, position, provider_call_id, name, arguments, digest, gate,
                            status, outcome, outcome_segment)
    SELECT :call, tenant_id, id, 1, 2, '2', 'delete', '{}', '', 'APPROVAL', 'REFUSED', '{}', 2
    FROM chat_turns WHERE id = :id
    """
    await ward.bare.change(stray, call=call_id, id=turn_id)
    return call_id


async def test_a_request_past_its_time_expires_and_its_turn_goes_on(ward: Ward) -> None:
    turn_id, call_id = await ward.bare.waiting()
    late = "UPDATE approval_requests SET expires_at = now() - interval '1 minute' WHERE call_id = :id"
    await ward.bare.change(late, id=call_id)

    checks = await ward.repaired()

    request = await ward.bare.row("approval_requests", call_id, column="call_id")
    assert states(checks, "requests expire") == ["problem", "repaired", "ok"]
    assert (request.status, (await ward.bare.row("chat_turns", turn_id)).status) == ("EXPIRED", "RUNNING")


async def test_a_turn_that_was_to_stop_is_ended_as_cancelled_and_the_next_one_is_claimable(
    ward: Ward,
) -> None:
    _, [turn_id, behind] = await ward.bare.session("RUNNING", "QUEUED")
    asked = "UPDATE chat_turns SET cancel_requested_at = now() - interval '1 minute' WHERE id = :id"
    await ward.bare.change(asked, id=turn_id)

    checks = await ward.repaired()

    turn = await ward.bare.row("chat_turns", turn_id)
    assert states(checks, "stopped turns end") == ["problem", "repaired", "ok"]
    assert (turn.status, turn.ended_at is not None) == ("CANCELLED", True)
    assert (await ward.bare.row("chat_turns", behind)).claimable_at is not None


async def test_two_turns_of_a_session_that_run_are_named(ward: Ward) -> None:
    """An index refuses them; without it they are seen."""
    index = "CREATE UNIQUE INDEX chat_turns_one_running_idx ON chat_turns (session_id) "
    index += "WHERE status IN ('RUNNING', 'WAITING')"
    await ward.bare.by_owner("DROP INDEX chat_turns_one_running_idx")
    session_id, [_, second] = await ward.bare.session("RUNNING", "RUNNING")
    await set_claimable(ward, second, "now()")

    checks = await ward.repaired()

    await ward.bare.change(
        "UPDATE chat_turns SET status = 'QUEUED', claimable_at = NULL WHERE id = :id", id=second
    )
    await ward.bare.by_owner(index)
    assert states(checks, "one turn at a time") == ["problem"]
    assert str(session_id) in checks["one turn at a time"][0].said
