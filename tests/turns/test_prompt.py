"""What the model is given with a turn."""

import pytest

from neo.companies.models import EndCompany
from neo.sessions import ChatSession
from neo.turns.models import ChatTurn, TurnStatus
from neo.turns.prompt import COMPANY_HEADING, PAGE_MESSAGES, continues_from, read_transcript
from turns.stage import COMPLETED, EFFORT, INSTRUCTIONS, MODEL, Stage

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
    other = await Stage.open(stage.database, stage.valkey, stage.tenant_id)
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


@pytest.mark.parametrize(
    ("provider", "region", "turn_no", "continues"),
    [
        ("openai", "eu", 8, "response-7"),
        ("openai", "eu", 9, None),
        ("openai", "us", 8, None),
        ("azure", "eu", 8, None),
    ],
)
def test_only_the_same_provider_and_region_continue_the_turn_right_before(
    provider: str, region: str, turn_no: int, continues: str | None
) -> None:
    session = ChatSession(
        continues_provider="openai",
        continues_region="eu",
        continues_response_id="response-7",
        continues_turn_no=7,
    )

    assert continues_from(session, ChatTurn(turn_no=turn_no), provider, region) == continues


async def test_an_attempt_is_given_the_message_the_agents_choices_and_the_response_to_continue(
    stage: Stage,
) -> None:
    async with stage.database.transaction(stage.tenant_id) as db:
        session = await db.get_one(ChatSession, stage.session_id)
        session.continues_provider, session.continues_region = "openai", "eu"
        session.continues_response_id, session.continues_turn_no = "response-0", 0

    task = await stage.begun(asked="Help?")

    assert (task.message.text, task.tier.value) == ("Help?", "FAST")
    assert (task.instructions, task.agent_model, task.reasoning_effort) == (INSTRUCTIONS, MODEL, EFFORT)
    assert continues_from(task.session, task.turn, "openai", "eu") == "response-0"
    assert (task.turn.status, task.turn.attempts) == (TurnStatus.RUNNING, 1)


async def test_the_instructions_of_the_users_own_company_follow_the_agents(stage: Stage) -> None:
    other = await Stage.open(stage.database, stage.valkey)
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

    task = await stage.begun()

    assert task.instructions == f"{INSTRUCTIONS}\n\n{COMPANY_HEADING}\nBe brief."
