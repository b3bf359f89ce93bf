"""What the model is given with a turn, read from PostgreSQL."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from asyncpg import Record
from sqlalchemy import BigInteger, ColumnElement, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from neo.db import Database
from neo.llm import Said, Tier
from neo.sessions import ChatMessage, ChatSession, Role
from neo.turns.models import ChatTurn, TurnStatus

PAGE_MESSAGES = 200
# A turn that was cancelled in mid-answer is given with what the model had said; one without any answer is
# left out.
IS_GIVEN = (ChatTurn.status == TurnStatus.COMPLETED) | (
    (ChatTurn.status == TurnStatus.CANCELLED) & ChatTurn.finish_reason.is_not(None)
)
# No model's token is longer than this on average, so more characters than this a token cannot fit.
CHARACTERS_PER_TOKEN_MAX = 8
COMPANY_HEADING = "Instructions for this user's company:"


@dataclass(frozen=True)
class Task:
    """All that an attempt needs: the turn, the provider's response to continue, the agent's choices, the new
    message. `session` and `message` have only the columns that are needed here.
    """

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
    """One message of the transcript, without its images."""

    message_id: UUID
    said: Said
    has_files: bool


async def begin_task(
    database: Database, tenant_id: UUID, turn_id: UUID, held_for: timedelta | None, *, is_first: bool
) -> Task | None:
    """Count one more attempt, give it a new claim, and read what it needs, in one call; None when the turn
    has ended.

    One that begins before Temporal has heard of the turn holds it for a while. A first attempt has None also
    while another process holds the turn, and so has one that would hold what somebody has begun.
    """
    found = await database.call("neo_begin_turn", tenant_id, turn_id, held_for, is_first)
    return task_of(found[0]) if found else None


def task_of(begun: Record) -> Task:
    row = dict(begun)
    continued = {name: row.pop(name) for name in tuple(row) if name.startswith("continues_")}
    instructions = _joined(row.pop("instructions"), row.pop("of_company"))
    model, reasoning_effort = row.pop("agent_model"), row.pop("reasoning_effort")
    message = ChatMessage(id=row.pop("message_id"), parts=row.pop("parts"))
    return Task(ChatTurn(**row), ChatSession(**continued), instructions, model, reasoning_effort, message)


def _joined(instructions: str, of_company: str | None) -> str:
    """The agent's instructions, then its user's company's, if there are any."""
    if not of_company:
        return instructions
    parts = (instructions, f"{COMPANY_HEADING}\n{of_company}")
    return "\n\n".join(part for part in parts if part)


async def read_transcript(db: AsyncSession, turn: ChatTurn, tokens_max: int) -> tuple[list[Earlier], int]:
    """The messages before this turn, oldest first, and how many older ones were left unread.

    Turns that failed, or were cancelled before the model said anything, are left out. Reading stops where the
    budget is surely full, so that a long session costs no more than a short one.
    """
    earlier: list[Earlier] = []
    characters, before = 0, _asked_at(turn.turn_no)
    while True:
        page = await _page(db, turn, before)
        for message in page:
            text = message.text
            one = Said("user" if message.role == Role.USER else "assistant", text)
            earlier.append(Earlier(message.id, one, has_files=message.has_files))
            characters += len(text)
        if len(page) < PAGE_MESSAGES:
            return earlier[::-1], 0
        before = literal(page[-1].position, BigInteger)
        if characters > tokens_max * CHARACTERS_PER_TOKEN_MAX:
            # Each turn has two positions, also one that failed: exact enough for a record of how much was
            # left out.
            return earlier[::-1], (await db.scalars(select(before - _asked_at(1)))).one()


def _asked_at(turn_no: int) -> ColumnElement[int]:
    """The position of a turn's user message."""
    return func.neo_message_position(turn_no, Role.USER.value, type_=BigInteger)


async def _page(db: AsyncSession, turn: ChatTurn, before: ColumnElement[int]) -> list[ChatMessage]:
    wanted = (
        select(ChatMessage)
        .join(ChatTurn, ChatTurn.id == ChatMessage.turn_id)
        .where(
            ChatMessage.tenant_id == turn.tenant_id,
            ChatMessage.session_id == turn.session_id,
            ChatMessage.position < before,
            IS_GIVEN,
        )
        .order_by(ChatMessage.position.desc())
        .limit(PAGE_MESSAGES)
    )
    return list((await db.scalars(wanted)).all())


def continues_from(session: ChatSession, turn: ChatTurn, provider: str, region: str) -> str | None:
    """The response that the provider can continue: only its own, in the same region, of the turn right
    before.
    """
    same = (session.continues_provider, session.continues_region) == (provider, region)
    return session.continues_response_id if same and session.continues_turn_no == turn.turn_no - 1 else None
