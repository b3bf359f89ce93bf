"""What a turn is to say to the model, read from PostgreSQL."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from neo.agents import Agent
from neo.companies import EndCompany
from neo.llm import Said, Tier
from neo.sessions import ChatMessage, ChatSession, Role, message_position
from neo.turns.models import OPEN, ChatTurn, TurnStatus

PAGE_MESSAGES = 200
# A turn that was stopped in mid-answer is told with what had been said; one that said nothing is not told at all.
TOLD = (ChatTurn.status == TurnStatus.COMPLETED) | (
    (ChatTurn.status == TurnStatus.CANCELLED) & ChatTurn.finish_reason.is_not(None)
)
# No model's token is longer than this on average, so more characters than this a token cannot fit.
CHARACTERS_PER_TOKEN_MAX = 8
COMPANY_HEADING = "Instructions for this user's company:"


@dataclass(frozen=True)
class Task:
    """A turn as its step sees it: ids, the agent's choices, the new message."""

    turn: ChatTurn
    session: ChatSession
    instructions: str
    agent_model: str | None
    reasoning_effort: str | None
    message: ChatMessage

    @property
    def tier(self) -> Tier:
        return Tier(self.turn.model_tier)


@dataclass(frozen=True, slots=True)
class Earlier:
    """One message of the transcript; its images are not read here."""

    message_id: UUID
    said: Said
    has_files: bool


def _begin() -> Select[ChatTurn, ChatSession, Agent, ChatMessage, str | None]:
    begun = aliased(
        ChatTurn,
        update(ChatTurn)
        .where(ChatTurn.tenant_id == bindparam("of_tenant"), ChatTurn.id == bindparam("of_turn"))
        .where(ChatTurn.status.in_(OPEN))
        .values(
            status=TurnStatus.RUNNING,
            pen=ChatTurn.pen + 1,
            attempts=ChatTurn.attempts + 1,
            started_at=func.coalesce(ChatTurn.started_at, func.clock_timestamp()),
        )
        .returning(ChatTurn)
        .cte("begun"),
    )
    of_company = (EndCompany.tenant_id == ChatSession.tenant_id) & (
        EndCompany.psa_company_id == ChatSession.end_company_id
    )
    return (
        select(
            begun,
            ChatSession,
            Agent,
            ChatMessage,
            EndCompany.custom_instructions_for_user_facing_chat,
        )
        .join(ChatSession, ChatSession.id == begun.session_id)
        .join(Agent, (Agent.tenant_id == ChatSession.tenant_id) & (Agent.id == ChatSession.agent_id))
        .join(ChatMessage, ChatMessage.id == begun.user_message_id)
        .outerjoin(EndCompany, of_company)
    )


# Every turn's first token waits for this statement, and to put it together takes as long as to run it.
BEGIN = _begin()


async def begin_task(db: AsyncSession, tenant_id: UUID, turn_id: UUID) -> Task | None:
    """Count one more attempt, hand it the pen, and read what it needs, in one go; None when the turn has ended."""
    found = (await db.execute(BEGIN, {"of_tenant": tenant_id, "of_turn": turn_id})).one_or_none()
    if found is None:
        return None
    turn, session, agent, message, of_company = found
    instructions = _joined(agent.instructions, of_company)
    return Task(turn, session, instructions, agent.model, agent.reasoning_effort, message)


def _joined(instructions: str, of_company: str | None) -> str:
    """The agent's instructions, then its user's company's, if there are any."""
    if not of_company:
        return instructions
    parts = (instructions, f"{COMPANY_HEADING}\n{of_company}")
    return "\n\n".join(part for part in parts if part)


async def read_transcript(db: AsyncSession, turn: ChatTurn, tokens_max: int) -> tuple[list[Earlier], int]:
    """What was said before in whole exchanges, newest kept, and how many messages were left unread.

    Turns that failed, or were cancelled before they said anything, are not told to the model. Reading stops where
    the budget is surely full, so that a long session costs no more than a short one.
    """
    said: list[Earlier] = []
    characters, before = 0, message_position(turn.turn_no, Role.USER)
    while True:
        page = await _page(db, turn, before)
        for message in page:
            text = message.text
            one = Said("user" if message.role == Role.USER else "assistant", text)
            said.append(Earlier(message.id, one, has_files=message.has_files))
            characters += len(text)
        if len(page) < PAGE_MESSAGES:
            return said[::-1], 0
        before = page[-1].position
        if characters > tokens_max * CHARACTERS_PER_TOKEN_MAX:
            # Two places a turn: close enough for a record that says how much was left out.
            return said[::-1], before - message_position(1, Role.USER)


async def _page(db: AsyncSession, turn: ChatTurn, before: int) -> list[ChatMessage]:
    wanted = (
        select(ChatMessage)
        .join(ChatTurn, ChatTurn.id == ChatMessage.turn_id)
        .where(
            ChatMessage.tenant_id == turn.tenant_id,
            ChatMessage.session_id == turn.session_id,
            ChatMessage.position < before,
            TOLD,
        )
        .order_by(ChatMessage.position.desc())
        .limit(PAGE_MESSAGES)
    )
    return list((await db.scalars(wanted)).all())


def continues_from(session: ChatSession, turn: ChatTurn, provider: str, region: str) -> str | None:
    """The provider's response to go on from: its own, of the same region, of the turn right before."""
    same = (session.continues_provider, session.continues_region) == (provider, region)
    return session.continues_response_id if same and session.continues_turn_no == turn.turn_no - 1 else None
