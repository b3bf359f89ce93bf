"""How an attempt ends its turn: what is stored, what readers are sent, and in which order."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from neo.turns.attempt import Attempt, Claims
from neo.turns.outcome import Outcomes
from neo.turns.starting.start import TurnStarter

from neo.events import Fenced, TurnWriter, envelope
from neo.llm import ChosenModel, Completed, Delta, Provider, ReasoningDelta, TextDelta, ToolCall
from neo.sessions import SessionStore
from neo.turns.end import TurnEnder
from neo.turns.render import Renderer
from neo.turns.temporal.connect import TemporalConnection
from turns.stage import Stage, input_of, types

CHOSEN = ChosenModel(
    provider=Provider.OPENAI,
    name="gpt",
    region="eu",
    reasoning_effort=None,
    prompt_tokens_max=1_000,
    answer_tokens_max=1_000,
    continues=True,
    sees_images=False,
)
WITHOUT_CONTINUATION = replace(CHOSEN, continues=False)
COMPLETED = Completed("stop", "response-1", 11, 7, 3, "gpt-2026")
HELLO = TextDelta(0, "Hello!")
# Longer than an append takes, and too short for anything to be over by chance.
A_WHILE = 0.2


class Speech:
    """An attempt at a new turn in which the model has said these deltas."""

    def __init__(self, stage: Stage, attempt: Attempt) -> None:
        temporal = TemporalConnection("127.0.0.1:1", "default", tls=False, api_key=None)
        self.stage = stage
        self.attempt = attempt
        self.outcomes = Outcomes(TurnEnder(stage.database, TurnStarter(temporal, "nobody-is-here")))

    @classmethod
    async def of(cls, stage: Stage, *said: Delta, chosen: ChosenModel = CHOSEN) -> "Speech":
        task = await stage.begun()
        turn = input_of(task.turn)
        claims = Claims(stage.database, turn, task.turn)
        writer: TurnWriter = stage.events.writer(stage.session_id, task.turn.turn_no, next_claim=claims.next)
        await writer.open()
        writer.write(envelope.start_step())
        attempt = Attempt(turn, task, writer, Renderer(writer), chosen=chosen)
        for delta in said:
            attempt.renderer.add(delta)
        return cls(stage, attempt)

    async def complete(self, completed: Completed = COMPLETED) -> None:
        self.attempt.renderer.end_part()
        self.attempt.completed = completed
        await self.outcomes.complete(self.attempt)
        await self.attempt.writer.aclose()

    async def cancel(self) -> None:
        await self.outcomes.cancel(self.attempt)
        await self.attempt.writer.aclose()

    async def fail(self) -> None:
        await self.outcomes.fail(self.attempt, "provider_unavailable", "The model is away.")
        await self.attempt.writer.aclose()

    async def ended(self) -> Any:
        return await self.stage.turn(self.attempt.task.turn)

    async def reply(self) -> list[dict[str, Any]] | None:
        return await self.stage.reply(self.attempt.task.turn)


async def test_a_complete_answer_is_stored_with_what_it_used(stage: Stage) -> None:
    speech = await Speech.of(stage, HELLO)

    await speech.complete()

    ended, session = await speech.ended(), await stage.session()
    assert (ended.status, ended.finish_reason, ended.model) == ("COMPLETED", "stop", "gpt-2026")
    assert (ended.input_tokens, ended.output_tokens, ended.cached_tokens) == (11, 7, 3)
    assert await speech.reply() == [
        {"type": "step-start"},
        {"type": "text", "text": "Hello!", "state": "done"},
    ]
    assert (session.continues_provider, session.continues_region) == ("openai", "eu")
    assert session.continues_response_id == "response-1"


async def test_the_end_is_streamed_once_it_is_stored_and_never_before(stage: Stage) -> None:
    speech = await Speech.of(stage, HELLO)

    async with stage.database.transaction(stage.tenant_id) as db:
        await SessionStore(db, stage.tenant_id).lock(stage.session_id)
        completing = asyncio.create_task(speech.complete())
        await asyncio.sleep(A_WHILE)
        before = types(await stage.streamed())
        assert not completing.done()
    await completing

    assert before[-2:] == ["text-end", "finish-step"]
    streamed = await stage.streamed()
    assert types(streamed) == [*before, "finish"]
    assert streamed[-1][0].n == (await speech.ended()).terminal_n


@pytest.mark.parametrize(
    ("said", "chosen", "continues"),
    [
        ([HELLO], CHOSEN, "response-1"),
        ([HELLO], WITHOUT_CONTINUATION, None),
        # The provider would wait for what the tool answered.
        ([HELLO, ToolCall("call_1", "look", "{}")], CHOSEN, None),
    ],
)
async def test_the_next_turn_continues_only_a_response_that_can_be_continued(
    stage: Stage, said: list[Delta], chosen: ChosenModel, continues: str | None
) -> None:
    speech = await Speech.of(stage, *said, chosen=chosen)

    await speech.complete()

    session = await stage.session()
    assert (session.continues_response_id, session.continues_turn_no) == (continues, 1)


async def test_an_answer_that_does_not_say_it_is_complete_is_not(stage: Stage) -> None:
    speech = await Speech.of(stage, HELLO)

    with pytest.raises(RuntimeError):
        await speech.outcomes.complete(speech.attempt)
    await speech.attempt.writer.aclose()

    assert (await speech.ended()).status == "RUNNING"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ([HELLO], ["step-start", "text"]),
        ([ReasoningDelta(0, "Hm."), HELLO], ["step-start", "reasoning", "text"]),
        ([ReasoningDelta(0, "Hm.")], None),
        ([TextDelta(0, "")], None),
        ([], None),
    ],
)
async def test_a_cancelled_answer_is_kept_if_it_has_text(
    stage: Stage, said: list[Delta], kept: list[str] | None
) -> None:
    speech = await Speech.of(stage, *said)

    await speech.cancel()

    ended, reply = await speech.ended(), await speech.reply()
    assert ended.status == "CANCELLED"
    assert (ended.keeps_reply, ended.finish_reason) == (kept is not None, "cancelled" if kept else None)
    assert (None if reply is None else [part["type"] for part in reply]) == kept
    assert types(await stage.streamed())[-1] == "abort"
    assert (await stage.session()).continues_response_id is None


async def test_a_failed_answer_is_not_kept_and_readers_are_sent_why(stage: Stage) -> None:
    speech = await Speech.of(stage, HELLO)

    await speech.fail()

    ended = await speech.ended()
    assert (ended.status, ended.error_code) == ("FAILED", "provider_unavailable")
    assert ended.model == "gpt"
    assert await speech.reply() is None
    assert (await stage.streamed())[-1][1]["errorText"] == "provider_unavailable: The model is away."


async def test_a_complete_answer_of_a_turn_that_was_cancelled_ends_as_cancelled_for_readers_too(
    stage: Stage,
) -> None:
    speech = await Speech.of(stage, HELLO)
    await stage.cancel(speech.attempt.task.turn)

    await speech.complete()

    assert (await speech.ended()).status == "CANCELLED"
    assert types(await stage.streamed())[-1] == "abort"


async def test_an_attempt_that_was_taken_over_ends_nothing_and_sends_no_end(stage: Stage) -> None:
    speech = await Speech.of(stage, HELLO)
    await stage.attempted(speech.attempt.task.turn)

    with pytest.raises(Fenced):
        await speech.complete()
    await speech.attempt.writer.aclose()

    assert (await speech.ended()).status == "RUNNING"
    assert await speech.reply() is None
    assert "finish" not in types(await stage.streamed())
