"""What the model is given with a turn, read from PostgreSQL, and which of the session's images."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from neo.attachments import Picture, Pixels
from neo.db import Database, until_database_answers
from neo.llm import ChosenModel, Image, ImagesNotSupported, Round, Said
from neo.sessions import ChatMessage, Role
from neo.toolbox import OfferedTool, offered_tools
from neo.turns.leases.claim import Task
from neo.turns.models import ChatTurn, TurnSegment
from neo.turns.segments.rounds import SettledRounds, read_inherited, read_rounds, rounds_inherited, rounds_of

PAGE_MESSAGES = 200
# A turn that failed or was cancelled is given with what it had settled; one without any answer is left out.
HAS_REPLY = ChatTurn.segment > 1
# What was superseded is given with the turn that asked again.
IS_GIVEN = ChatTurn.superseded_by.is_(None) & (HAS_REPLY | ChatTurn.retry_of.is_not(None))
# No model's token is longer than this on average, so more characters than this a token cannot fit.
CHARACTERS_PER_TOKEN_MAX = 8
# Nothing was said before it.
FIRST_TURN = 1
# Reads from PostgreSQL for segments that begin, at once in one process. A hundred turns that begin in one moment would
# take the connections and the loop from whoever posts the next message.
READS_MAX = 8
# Providers take more, but shrink them then, or refuse a request that has grown too large.
IMAGES_MAX = 20
NOT_SHOWN = "[An image was attached here; it is not shown again.]"


@dataclass(frozen=True, slots=True)
class Earlier:
    """One message of the transcript, without its images."""

    message_id: UUID
    said: Said
    has_files: bool


async def read_transcript(db: AsyncSession, turn: ChatTurn, tokens_max: int) -> tuple[list[Earlier], int]:
    """The messages before this turn, oldest first, and how many older ones were left unread.

    Turns without any answer are left out. Reading stops where the budget is surely full, so that a long session costs
    no more than a short one.
    """
    earlier: list[Earlier] = []
    characters, before = 0, _asked_at(turn.turn_no)
    while True:
        page = await _page(db, turn, before)
        for asked in page:
            message, inherited = asked.message, await _inherited(db, turn.tenant_id, asked)
            if message.role == Role.USER and not asked.has_reply:
                if not inherited:
                    continue
                # It was asked again without an answer: what was done at first is all that there is.
                earlier.append(Earlier(message.id, Said("assistant", "", rounds=inherited), has_files=False))
            earlier.append(Earlier(message.id, _said(message, inherited), has_files=message.has_files))
            characters += len(message.text)
        if len(page) < PAGE_MESSAGES:
            return earlier[::-1], 0
        before = literal(page[-1].message.position, BigInteger)
        if characters > tokens_max * CHARACTERS_PER_TOKEN_MAX:
            # Each turn has two positions, also one that failed: exact enough for a record of how much was
            # left out.
            return earlier[::-1], (await db.scalars(select(before - _asked_at(1)))).one()


def _asked_at(turn_no: int) -> ColumnElement[int]:
    """The position of a turn's user message."""
    return func.neo_message_position(turn_no, Role.USER.value, type_=BigInteger)


@dataclass(frozen=True, slots=True)
class Asked:
    """A message, and of the turn that answers it as much as is needed here."""

    message: ChatMessage
    turn_id: UUID
    retry_of: UUID | None
    has_reply: bool


async def _page(db: AsyncSession, turn: ChatTurn, before: ColumnElement[int]) -> list[Asked]:
    """Newest first."""
    wanted = (
        select(ChatMessage, ChatTurn.id, ChatTurn.retry_of, HAS_REPLY)
        .join(ChatTurn, ChatTurn.id == ChatMessage.turn_id)
        .where(
            ChatMessage.tenant_id == turn.tenant_id,
            ChatMessage.session_id == turn.session_id,
            ChatMessage.position < before,
            # The message that is answered now, if it was asked before.
            ChatMessage.turn_id != turn.id,
            IS_GIVEN,
        )
        .order_by(ChatMessage.position.desc())
        .limit(PAGE_MESSAGES)
    )
    return [Asked(*row) for row in (await db.execute(wanted)).all()]


async def _inherited(db: AsyncSession, tenant_id: UUID, asked: Asked) -> list[Round]:
    """What was done before a message was asked again: given with the reply, or with the message if there is none."""
    is_given_here = asked.message.role == Role.ASSISTANT or not asked.has_reply
    if asked.retry_of is None or not is_given_here:
        return []
    return rounds_inherited(await read_inherited(db, tenant_id, asked.turn_id))


def _said(message: ChatMessage, inherited: Sequence[Round]) -> Said:
    if message.role == Role.USER:
        return Said("user", message.text)
    rounds, text = rounds_of(message.parts)
    return Said("assistant", text, rounds=[*inherited, *rounds])


class Transcripts:
    def __init__(self, database: Database, active_seconds_max: float) -> None:
        self._database = database
        self._active_seconds_max = active_seconds_max
        self._reads = asyncio.Semaphore(READS_MAX)

    async def earlier(self, task: Task, tokens_max: int) -> tuple[list[Earlier], int]:
        """What was said before the turn, and how many messages were left unread."""
        if task.turn.turn_no == FIRST_TURN:
            return [], 0
        return await until_database_answers(lambda: self._read(task.turn, tokens_max))

    async def rounds(self, task: Task) -> SettledRounds:
        """What the turn itself has settled."""
        return await until_database_answers(lambda: self._read_rounds(task))

    async def _read(self, turn: ChatTurn, tokens_max: int) -> tuple[list[Earlier], int]:
        async with self._reads, self._database.transaction(turn.tenant_id) as db:
            return await read_transcript(db, turn, tokens_max)

    async def offered(self, task: Task) -> Sequence[OfferedTool]:
        """The tools that the turn's agent may be offered; without a toolbox nothing is asked."""
        if task.offered is None:
            has_toolbox = bool(task.toolbox)
            task.offer(await until_database_answers(lambda: self._read_offered(task)) if has_toolbox else ())
        return task.offered or ()

    async def _read_rounds(self, task: Task) -> SettledRounds:
        async with self._reads, self._database.transaction(task.turn.tenant_id) as db:
            return await read_rounds(
                db, task.turn, has_tools=bool(task.offered), seconds_max=self._active_seconds_max
            )

    async def _read_offered(self, task: Task) -> Sequence[OfferedTool]:
        tenant_id = task.turn.tenant_id
        async with self._reads, self._database.transaction(tenant_id) as db:
            return await offered_tools(
                db,
                tenant_id,
                toolbox=task.toolbox,
                audience=task.agent_audience,
                company=task.session.end_company_id,
            )


def continues_from(task: Task, newest: TurnSegment | None, chosen: ChosenModel) -> str | None:
    """The response that the provider can continue: only its own, in the same region, and what came right before: the
    turn's newest MODEL segment, else the turn before.
    """
    if not chosen.continues:
        return None
    if newest is not None:
        last: tuple[str | None, str | None] = (newest.provider, newest.region)
        return newest.response_id if last == (chosen.provider, chosen.region) else None
    session = task.session
    same = (session.continues_provider, session.continues_region) == (chosen.provider, chosen.region)
    return (
        session.continues_response_id if same and session.continues_turn_no == task.turn.turn_no - 1 else None
    )


class ImageLoader:
    def __init__(self, pixels: Pixels) -> None:
        self._pixels = pixels

    async def of_message(self, task: Task, chosen: ChosenModel) -> tuple[Image, ...]:
        """The new message's images; raises `AttachmentInvalid` or `ImagesNotSupported`."""
        if not task.message.has_files:
            return ()
        if not chosen.sees_images:
            raise ImagesNotSupported
        found = await until_database_answers(
            lambda: self._pixels.prepare(task.turn.tenant_id, task.message.id)
        )
        return tuple(_image(picture) for picture in found)

    async def with_images(
        self, task: Task, chosen: ChosenModel, earlier: Sequence[Earlier], *, new: int
    ) -> list[Said]:
        """The earlier messages with their newest images, at most as many as the `new` ones leave room for. In
        place of each older image stands a line that says so. For a model that sees none they have no bytes.
        """
        with_files = [one.message_id for one in reversed(earlier) if one.has_files]
        loaded: dict[UUID, list[Image]] = {}
        if with_files:
            for picture in await until_database_answers(lambda: self._earlier(task, chosen, with_files, new)):
                loaded.setdefault(picture.message_id, []).append(_image(picture))
        return [_with_images(one, loaded.get(one.message_id, [])) for one in earlier]

    async def _earlier(
        self, task: Task, chosen: ChosenModel, message_ids: Sequence[UUID], new: int
    ) -> list[Picture]:
        tenant_id = task.turn.tenant_id
        if not chosen.sees_images:
            return await self._pixels.described(tenant_id, message_ids)
        return await self._pixels.earlier(tenant_id, message_ids, pictures_max=IMAGES_MAX - new)


def _with_images(one: Earlier, images: Sequence[Image]) -> Said:
    if not one.has_files:
        return one.said
    if images:
        return replace(one.said, images=tuple(images))
    return replace(one.said, text=f"{one.said.text}\n{NOT_SHOWN}".strip())


def _image(picture: Picture) -> Image:
    return Image(picture.mime, picture.data, picture.filename, picture.alt)
