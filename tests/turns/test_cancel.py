"""A turn that nobody drives is cancelled at once; whoever drives one is asked to stop."""

from neo.access import CallerKind, Credential, CredentialKind, Principal
from neo.chat.cancel import Canceller
from neo.turns.models import ChatTurn
from turns.stage import MINUTE, Stage, ago, call_row


async def caller_of(stage: Stage) -> Principal:
    account_id = (await stage.session()).account_id
    credential = Credential(CredentialKind.API_KEY, stage.tenant_id, account_id)
    return Principal(CallerKind.SERVICE_ACCOUNT, stage.tenant_id, stage.tenant_id, account_id, credential)


async def cancelled(stage: Stage, turn: ChatTurn) -> ChatTurn:
    canceller = Canceller(stage.database, stage.valkey, stage.events)
    returned = (await canceller.cancel(await caller_of(stage), stage.session_id, turn.id)).what
    found = await stage.turn(turn)
    assert returned.status == found.status
    return found


def is_ended(turn: ChatTurn) -> bool:
    stands = (turn.status, turn.cancel_requested_at, turn.lease_id, turn.claimable_at, turn.waiting_for)
    return stands == ("CANCELLED", None, None, None, None)


async def test_a_queued_turn_ends_at_once(stage: Stage) -> None:
    assert is_ended(await cancelled(stage, await stage.claimable()))


async def test_a_turn_behind_another_ends_at_once_and_the_other_goes_on(stage: Stage) -> None:
    first = await stage.claimed()

    assert is_ended(await cancelled(stage, await stage.queued()))
    assert (await stage.turn(first.turn)).cancel_requested_at is None


async def test_a_waiting_turn_ends_at_once_with_what_it_waits_for(stage: Stage) -> None:
    call = call_row(gate="APPROVAL")

    assert is_ended(await cancelled(stage, (await stage.waiting(call)).turn))
    assert (await stage.request(call)).status == "CANCELLED"


async def test_a_turn_whose_lease_has_passed_ends_at_once(stage: Stage) -> None:
    turn = (await stage.claimed()).turn
    await stage.set(turn, claimable_at=ago(MINUTE))

    assert is_ended(await cancelled(stage, turn))


async def test_whoever_drives_a_turn_ends_it(stage: Stage) -> None:
    task = await stage.claimed()

    found = await cancelled(stage, task.turn)

    assert (found.status, found.lease_id) == ("RUNNING", task.lease_id)
    assert found.cancel_requested_at is not None


async def test_a_turn_that_has_ended_stays_as_it_is(stage: Stage) -> None:
    turn = await stage.queued(status="COMPLETED")

    assert (await cancelled(stage, turn)).status == "COMPLETED"


async def test_a_reset_ends_what_nobody_drives_and_leaves_nothing_to_claim(stage: Stage) -> None:
    first, second = await stage.claimed(), await stage.queued()

    await Canceller(stage.database, stage.valkey, stage.events).archive(
        await caller_of(stage), stage.session_id
    )

    driven, queued = await stage.turn(first.turn), await stage.turn(second)
    assert (driven.status, queued.status, queued.claimable_at) == ("RUNNING", "CANCELLED", None)
    assert driven.cancel_requested_at is not None
