"""A turn ends once, by whoever has its newest claim, and the session's next turn starts."""

import asyncio
from typing import Any

import pytest
from neo.turns.starting.start import TurnStarter

from neo.events import Fenced
from neo.turns.end import Ending, TurnEnder
from neo.turns.errors import TURN_LOST, TurnNotFound
from neo.turns.models import TurnStatus
from neo.turns.store import TurnStore
from neo.turns.temporal.connect import TemporalConnection
from support.server import Server
from support.temporal import knows_of
from turns.stage import Stage, input_of, text_part

REPLY = [{"type": "step-start"}, text_part("Hello!")]
CONTINUES = {"provider": "openai", "region": "eu", "response_id": "response-1"}
# Nobody takes work from it: what is started there stays as it is.
QUEUE = "nobody-is-here"


def completed(claim: int = 1, **changed: Any) -> Ending:
    ending = {"parts": REPLY, "continues": CONTINUES, "record": {"finish_reason": "stop", "model": "gpt"}}
    return Ending(TurnStatus.COMPLETED, claim, 7, **{**ending, **changed})


def ender_of(stage: Stage, temporal: TemporalConnection | None = None) -> TurnEnder:
    nowhere = TemporalConnection("127.0.0.1:1", "default", tls=False, api_key=None)
    return TurnEnder(stage.database, TurnStarter(temporal or nowhere, QUEUE))


async def test_a_turn_ends_with_its_record_its_reply_and_the_response_to_continue(stage: Stage) -> None:
    turn = (await stage.begun()).turn

    returned = await ender_of(stage).end(input_of(turn), completed())

    ended, session = await stage.turn(turn), await stage.session()
    assert (returned.status, returned.finish_reason, returned.model) == ("COMPLETED", "stop", "gpt")
    assert (ended.status, ended.finish_reason, ended.model) == ("COMPLETED", "stop", "gpt")
    assert (ended.terminal_n, ended.ended_at) == (7, returned.ended_at)
    assert await stage.reply(turn) == REPLY
    assert (session.continues_response_id, session.continues_turn_no) == ("response-1", 1)


async def test_a_failed_turn_keeps_no_reply_and_leaves_the_response_to_continue_alone(stage: Stage) -> None:
    ender = ender_of(stage)
    await ender.end(input_of((await stage.begun()).turn), completed())
    turn = (await stage.begun()).turn

    failed = Ending(TurnStatus.FAILED, 1, None, record={"error_code": "x", "error_message": "X."})
    await ender.end(input_of(turn), failed)

    ended, session = await stage.turn(turn), await stage.session()
    assert (ended.status, ended.error_code, ended.error_message) == ("FAILED", "x", "X.")
    assert await stage.reply(turn) is None
    assert (session.continues_response_id, session.continues_turn_no) == ("response-1", 1)


async def test_of_many_that_end_a_turn_one_does(stage: Stage) -> None:
    turn = (await stage.begun()).turn
    ender = ender_of(stage)
    endings = [completed(record={"finish_reason": "stop", "model": f"model-{n}"}) for n in range(6)]

    ends = [ender.end(input_of(turn), ending) for ending in endings]
    outcomes = await asyncio.gather(*ends, return_exceptions=True)

    [winner] = [one for one in outcomes if not isinstance(one, BaseException)]
    assert [type(one) for one in outcomes if isinstance(one, BaseException)] == [Fenced] * 5
    assert (await stage.turn(turn)).model == winner.model


async def test_a_writer_with_an_older_claim_does_not_end_the_turn(stage: Stage) -> None:
    turn = await stage.queued()
    for _ in range(2):
        await stage.attempted(turn)
    ender = ender_of(stage)

    with pytest.raises(Fenced):
        await ender.end(input_of(turn), completed(claim=1))

    assert (await stage.turn(turn)).status == "RUNNING"
    assert await stage.reply(turn) is None
    assert (await ender.end(input_of(turn), completed(claim=2))).status == "COMPLETED"


@pytest.mark.parametrize(
    ("ends_as", "ended_as"), [("COMPLETED", "CANCELLED"), ("FAILED", "FAILED"), ("CANCELLED", "CANCELLED")]
)
async def test_a_cancel_that_was_accepted_wins_over_a_complete_answer(
    stage: Stage, ends_as: str, ended_as: str
) -> None:
    turn = (await stage.begun()).turn
    await stage.cancel(turn)

    returned = await ender_of(stage).end(input_of(turn), Ending(TurnStatus(ends_as), 1, 7, REPLY))

    assert (returned.status, (await stage.turn(turn)).status) == (ended_as, ended_as)
    assert await stage.reply(turn) == REPLY


async def test_a_cancel_after_the_end_changes_nothing(stage: Stage) -> None:
    turn = (await stage.begun()).turn
    await ender_of(stage).end(input_of(turn), completed())

    await stage.cancel(turn)

    ended = await stage.turn(turn)
    assert (ended.status, ended.cancel_requested_at) == ("COMPLETED", None)


async def test_an_abandoned_turn_is_failed_once(stage: Stage) -> None:
    turn = (await stage.begun()).turn
    ender = ender_of(stage)

    ended = [await ender.fail_abandoned(input_of(turn), TURN_LOST, "Lost.") for _ in range(2)]
    was_cancelled = await ender.cancel_abandoned(input_of(turn))

    found = await stage.turn(turn)
    assert (ended, was_cancelled) == ([True, False], False)
    assert (found.status, found.error_code, found.error_message) == ("FAILED", TURN_LOST, "Lost.")
    assert found.terminal_n is None


async def test_an_abandoned_turn_may_be_one_that_never_ran(stage: Stage) -> None:
    turn = await stage.queued()

    assert await ender_of(stage).cancel_abandoned(input_of(turn))

    assert (await stage.turn(turn)).status == "CANCELLED"


async def test_the_turn_that_waited_is_started_at_the_end_and_no_other(stage: Stage, server: Server) -> None:
    temporal = TemporalConnection(server.addresses.temporal_address, "default", tls=False, api_key=None)
    await temporal.connect()
    turn = (await stage.begun()).turn
    following, after = await stage.queued(), await stage.queued()

    await ender_of(stage, temporal).end(input_of(turn), completed())

    async with asyncio.timeout(5):
        while not await knows_of(server, str(following.id)):
            await asyncio.sleep(0.02)
    assert not await knows_of(server, str(after.id))


async def test_a_turn_is_ended_for_its_own_tenant_only(stage: Stage) -> None:
    turn = (await stage.begun()).turn
    other = await Stage.open(stage.database, stage.valkey)
    theirs = input_of(turn)
    theirs = type(theirs)(str(other.tenant_id), theirs.session_id, theirs.turn_id)

    with pytest.raises(Fenced):
        await ender_of(stage).end(theirs, completed())

    assert (await stage.turn(turn)).status == "RUNNING"


async def test_a_turn_is_found_in_its_own_session_only(stage: Stage) -> None:
    turn = await stage.queued()
    other = await Stage.open(stage.database, stage.valkey, stage.tenant_id)

    async with stage.database.transaction(stage.tenant_id) as db:
        with pytest.raises(TurnNotFound):
            await TurnStore(db, stage.tenant_id).lock(other.session_id, turn.id)
