"""What the model is given with a turn."""

import pytest

from neo.companies.models import EndCompany
from neo.llm import Address, ChosenModel, Provider
from neo.sessions import ChatSession
from neo.turns.end import TurnEnder
from neo.turns.instructions import COMPANY_HEADING
from neo.turns.leases.claim import Task
from neo.turns.models import ChatTurn, TurnSegment, TurnStatus
from neo.turns.prompt import PAGE_MESSAGES, continues_from, read_transcript
from turns.stage import (
    COMPLETED,
    EFFORT,
    INSTRUCTIONS,
    MODEL,
    Stage,
    call_row,
    calls_segment,
    done,
    input_of,
    own_words,
)

PLENTY = 1_000_000


async def transcript(stage: Stage, turn: ChatTurn, tokens_max: int = PLENTY) -> tuple[list[str], int]:
    """Who said what before the turn, and how many messages were left unread."""
    async with stage.database.transaction(stage.tenant_id) as db:
        earlier, unread = await read_transcript(db, turn, tokens_max)
    return [f"{one.said.role}: {one.said.text}" for one in earlier], unread


async def test_the_transcript_is_what_was_asked_and_answered_before_in_order(stage: Stage) -> None:
    for asked, answered in (("One?", "1."), ("Two?", "2.")):
        await stage.write(asked, answered, **COMPLETED)
    turn = await stage.queued()
    await stage.queued()

    given, unread = await transcript(stage, turn)

    assert given == ["user: One?", "assistant: 1.", "user: Two?", "assistant: 2."]
    assert unread == 0


async def test_a_turn_without_an_answer_is_left_out_with_its_question(stage: Stage) -> None:
    await stage.write("Broken?", status=TurnStatus.FAILED, error_code="turn_lost")
    await stage.write("Never mind?", status=TurnStatus.CANCELLED)
    await stage.write("Whole?", "Yes.", **COMPLETED)
    turn = await stage.queued()

    given, _ = await transcript(stage, turn)

    assert given == ["user: Whole?", "assistant: Yes."]


async def test_a_turn_that_was_cancelled_in_mid_answer_is_given_with_what_was_said(stage: Stage) -> None:
    await stage.write("Long?", "It beg", status=TurnStatus.CANCELLED, finish_reason="cancelled")
    turn = await stage.queued()

    given, _ = await transcript(stage, turn)

    assert given == ["user: Long?", "assistant: It beg"]


async def test_another_session_of_the_tenant_is_not_in_the_transcript(stage: Stage) -> None:
    other = await Stage.open(stage.database, stage.owner, stage.valkey, stage.tenant_id)
    await other.write("Theirs?", "Yes.", **COMPLETED)
    await stage.queued()
    turn = await stage.queued()

    assert await transcript(stage, turn) == ([], 0)


async def test_reading_stops_where_the_budget_is_surely_full(stage: Stage) -> None:
    turns_a_page = PAGE_MESSAGES // 2
    await stage.write("Old?", "Old.", count=30, **COMPLETED)
    await stage.write("New?", "New.", count=turns_a_page, **COMPLETED)
    turn = await stage.queued()

    given, unread = await transcript(stage, turn, tokens_max=10)

    assert given == ["user: New?", "assistant: New."] * turns_a_page
    assert unread == 60
    assert await transcript(stage, turn) == (
        ["user: Old?", "assistant: Old."] * 30 + ["user: New?", "assistant: New."] * turns_a_page,
        0,
    )


def chosen(provider: str = "openai", region: str = "eu", *, continues: bool = True) -> ChosenModel:
    return ChosenModel(
        provider=Provider(provider),
        name="gpt",
        dialect=Provider(provider).dialect,
        address=Address("http://127.0.0.1:1", "key", region),
        region=region,
        reasoning_effort=None,
        prompt_tokens_max=1_000,
        answer_tokens_max=1_000,
        continues=continues,
        sees_images=False,
    )


async def continuing(stage: Stage, turn_no: int) -> Task:
    """A turn in a session whose provider left off with the first one."""
    task = await stage.claimed(asked="Help?")
    task.turn.turn_no = turn_no
    task.session.continues_provider, task.session.continues_region = "openai", "eu"
    task.session.continues_response_id, task.session.continues_turn_no = "response-7", 7
    return task


@pytest.mark.parametrize(
    ("model", "turn_no", "continues"),
    [
        (chosen(), 8, "response-7"),
        (chosen(continues=False), 8, None),
        (chosen(), 9, None),
        (chosen(region="us"), 8, None),
        (chosen("azure"), 8, None),
    ],
)
async def test_only_the_same_provider_and_region_continue_the_turn_right_before(
    stage: Stage, model: ChosenModel, turn_no: int, continues: str | None
) -> None:
    task = await continuing(stage, turn_no)

    assert continues_from(task, None, model) == continues


@pytest.mark.parametrize(
    ("model", "continues"),
    [
        (chosen(), "response-8"),
        (chosen(region="us"), None),
        (chosen("azure"), None),
        (chosen(continues=False), None),
    ],
)
async def test_within_a_turn_its_newest_answer_is_continued_and_no_earlier_turn(
    stage: Stage, model: ChosenModel, continues: str | None
) -> None:
    task = await continuing(stage, 8)
    newest = TurnSegment(provider="openai", region="eu", response_id="response-8")

    assert continues_from(task, newest, model) == continues


async def test_a_claimed_turn_has_its_message_the_agents_choices_and_the_response_to_continue(
    stage: Stage,
) -> None:
    async with stage.database.transaction(stage.tenant_id) as db:
        session = await db.get_one(ChatSession, stage.session_id)
        session.continues_provider, session.continues_region = "openai", "eu"
        session.continues_response_id, session.continues_turn_no = "response-0", 0

    task = await stage.claimed(asked="Help?")

    assert (task.message.text, task.tier.value) == ("Help?", "FAST")
    assert (own_words(task), task.agent_model, task.reasoning_effort) == (INSTRUCTIONS, MODEL, EFFORT)
    assert continues_from(task, None, chosen()) == "response-0"
    assert (task.turn.status, task.turn.attempts) == (TurnStatus.RUNNING, 1)


@pytest.mark.parametrize("status", [TurnStatus.FAILED, TurnStatus.CANCELLED])
async def test_what_a_turn_had_settled_before_it_broke_off_is_given_with_its_calls(
    stage: Stage, status: TurnStatus
) -> None:
    sent, unsent = call_row(1), call_row(2)
    task = await stage.asked(sent, unsent, asked="Look?")
    await stage.settle(task, calls_segment(), done=[done(sent, output={"found": 3})])
    # The other one has no outcome yet.
    task = await stage.claim(task.turn)
    await TurnEnder(stage.database, stage.events).end_unwritten(input_of(task.turn), status)
    following = await stage.queued()

    async with stage.database.transaction(stage.tenant_id) as db:
        [asked, answered], _ = await read_transcript(db, following, PLENTY)

    [found] = answered.said.rounds
    assert (asked.said.text, answered.said.text, found.text) == ("Look?", "", "Wait.")
    assert [call.call_id for call in found.calls] == [sent["id"], unsent["id"]]
    assert [(outcome.text, outcome.is_error) for outcome in found.outcomes] == [
        ('{"found":3}', False),
        ("The turn ended before this call was sent.", True),
    ]


async def test_the_instructions_of_the_users_own_company_follow_the_agents(stage: Stage) -> None:
    other = await Stage.open(stage.database, stage.owner, stage.valkey)
    for tenant_id, instructions in ((stage.tenant_id, "Be brief."), (other.tenant_id, "Say yes.")):
        async with stage.database.transaction(tenant_id) as db:
            db.add(
                EndCompany(
                    tenant_id=tenant_id,
                    psa_company_id="acme",
                    psa_company_name="Acme",
                    custom_instructions="Not for chats.",
                    custom_instructions_for_user_facing_chat=instructions,
                )
            )
    async with stage.database.transaction(stage.tenant_id) as db:
        (await db.get_one(ChatSession, stage.session_id)).end_company_id = "acme"

    task = await stage.claimed()

    assert own_words(task) == f"{INSTRUCTIONS}\n\n{COMPANY_HEADING}\nBe brief."
