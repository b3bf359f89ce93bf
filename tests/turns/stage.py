"""A session whose turns a test writes itself: real PostgreSQL and Valkey, and no server that would run the turns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import orjson
from sqlalchemy import func, update

from neo.agents import AgentStore, create_tenant
from neo.db import Database
from neo.events import EventLog, Position, TurnWriter
from neo.sessions import ChatMessage, ChatSession, MessageStore, Role, SessionStore
from neo.streams import Valkey
from neo.turns.models import ChatTurn, TurnStatus
from neo.turns.prompt import Task, begin_task
from neo.turns.store import TurnStore
from neo.turns.temporal.contract import TurnInput

INSTRUCTIONS = "You help with printers."
MODEL = "scripted:tokens=5"
EFFORT = "low"


def text_part(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def input_of(turn: ChatTurn) -> TurnInput:
    return TurnInput(str(turn.tenant_id), str(turn.session_id), str(turn.id))


@dataclass
class Stage:
    database: Database
    valkey: Valkey
    tenant_id: UUID
    session_id: UUID
    turns_written: int = 0

    @classmethod
    async def open(cls, database: Database, valkey: Valkey, tenant_id: UUID | None = None) -> "Stage":
        tenant_id = tenant_id or await create_tenant(database, "A tenant")
        async with database.transaction(tenant_id) as db:
            agents = AgentStore(db, tenant_id)
            agent_id = await agents.create(
                "Agent", instructions=INSTRUCTIONS, model=MODEL, reasoning_effort=EFFORT
            )
            session = ChatSession(
                id=uuid4(), tenant_id=tenant_id, agent_id=agent_id, account_id=uuid4(), channel="API"
            )
            await SessionStore(db, tenant_id).add(session)
        return cls(database, valkey, tenant_id, session.id)

    @property
    def events(self) -> EventLog:
        return EventLog(self.valkey)

    async def write(
        self, asked: str = "Hello", answered: str | None = None, *, count: int = 1, **columns: Any
    ) -> list[ChatTurn]:
        """The session's next turns, each with its message, and with a reply where one is given."""
        async with self.database.transaction(self.tenant_id) as db:
            turns = [self._turn(**columns) for _ in range(count)]
            db.add_all(turns)
            await db.flush()
            db.add_all(self._message(turn, Role.USER, asked) for turn in turns)
            if answered is not None:
                db.add_all(self._message(turn, Role.ASSISTANT, answered) for turn in turns)
        return turns

    async def queued(self, **columns: Any) -> ChatTurn:
        [turn] = await self.write(**columns)
        return turn

    async def begun(self, **columns: Any) -> Task:
        """A new turn, with its first attempt begun."""
        return await self.attempted(await self.queued(**columns))

    async def attempted(self, turn: ChatTurn) -> Task:
        """One more attempt at the turn: it has a new claim."""
        task = await begin_task(self.database, self.tenant_id, turn.id, None, is_first=False)
        assert task is not None
        return task

    async def set(self, turn: ChatTurn, **columns: Any) -> None:
        async with self.database.transaction(self.tenant_id) as db:
            await db.execute(update(ChatTurn).where(ChatTurn.id == turn.id).values(**columns))

    async def cancel(self, turn: ChatTurn) -> None:
        """Record that the running turn is to stop."""
        async with self.database.transaction(self.tenant_id) as db:
            await TurnStore(db, self.tenant_id).request_cancel(turn.id)

    async def turn(self, turn: ChatTurn) -> ChatTurn:
        """The turn as PostgreSQL has it now."""
        async with self.database.transaction(self.tenant_id) as db:
            return await TurnStore(db, self.tenant_id).get(self.session_id, turn.id)

    async def session(self) -> ChatSession:
        async with self.database.transaction(self.tenant_id) as db:
            return await SessionStore(db, self.tenant_id).get(self.session_id)

    async def reply(self, turn: ChatTurn) -> list[dict[str, Any]] | None:
        """The parts of the turn's stored reply."""
        async with self.database.transaction(self.tenant_id) as db:
            found = await MessageStore(db, self.tenant_id).find(self.session_id, turn.reply_message_id)
        return None if found is None else found.parts

    async def writer(self, turn_no: int = 1, claim: int = 1) -> TurnWriter:
        """An open writer of one claim, which gets no other."""

        async def only_claim() -> int:
            return claim

        writer = self.events.writer(self.session_id, turn_no, next_claim=only_claim)
        await writer.open()
        return writer

    async def streamed(self) -> list[tuple[Position, dict[str, Any]]]:
        """What readers of the session were sent."""
        found = await self.valkey.call("XRANGE", f"neo:{{{self.session_id}}}:events", "-", "+")
        return [(_position(event_id), orjson.loads(payload)) for event_id, (*_, payload) in found]

    def _turn(self, **columns: Any) -> ChatTurn:
        self.turns_written += 1
        return ChatTurn(
            id=uuid4(),
            tenant_id=self.tenant_id,
            session_id=self.session_id,
            turn_no=self.turns_written,
            model_tier="FAST",
            user_message_id=uuid4(),
            reply_message_id=uuid4(),
            **columns,
        )

    def _message(self, turn: ChatTurn, role: Role, text: str) -> ChatMessage:
        return ChatMessage(
            id=turn.user_message_id if role is Role.USER else turn.reply_message_id,
            tenant_id=self.tenant_id,
            session_id=self.session_id,
            turn_id=turn.id,
            position=func.neo_message_position(turn.turn_no, role.value),
            role=role.value,
            parts=[text_part(text)],
        )


def types(chunks: Sequence[tuple[Position, dict[str, Any]]]) -> list[str]:
    return [chunk["type"] for _, chunk in chunks]


def _position(event_id: bytes) -> Position:
    cursor, n = event_id.decode().split("-")
    return Position(*divmod(int(cursor), 65_536), int(n))


COMPLETED: dict[str, Any] = {"status": TurnStatus.COMPLETED, "finish_reason": "stop"}
