"""A session whose turns a test writes itself: real PostgreSQL and Valkey, and no server that would drive the turns."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import orjson
from sqlalchemy import func, select, text, update

from neo.agents import AgentStore, create_tenant
from neo.db import Database
from neo.events import EventLog, Position, SegmentWriter
from neo.sessions import ChatMessage, ChatSession, MessageStore, Role, SessionStore
from neo.streams import Valkey
from neo.turns.instructions import HEADING
from neo.turns.leases.claim import LEASE, Task, claim_turn
from neo.turns.models import ApprovalRequestRow, ChatTurn, ToolCallRow, TurnSegment, TurnStatus
from neo.turns.store import TurnStore
from neo.turns.temporal.contract import TurnInput

INSTRUCTIONS = "You help with printers."
MODEL = "scripted:tokens=5"
EFFORT = "low"
COMPLETED: dict[str, Any] = {"status": TurnStatus.COMPLETED, "finish_reason": "stop"}
MINUTE = timedelta(minutes=1)


def own_words(task: Task) -> str:
    """What the model is told by whoever wrote instructions, without where the conversation takes place."""
    return task.instructions.partition(HEADING)[0].strip()


def text_part(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def ago(passed: timedelta) -> datetime:
    return datetime.now(UTC) - passed


def input_of(turn: ChatTurn) -> TurnInput:
    return TurnInput(str(turn.tenant_id), str(turn.session_id), str(turn.id))


def call_row(
    position: int = 1, name: str = "look_up", *, gate: str = "AUTO", apart: bool = False
) -> dict[str, Any]:
    """A call that a model asked for, as it is planned."""
    return {
        "id": f"call_{uuid4().hex}",
        "position": position,
        "provider_call_id": f"provider-{position}",
        "name": name,
        "arguments": {"of": position},
        "digest": uuid4().hex * 2,
        "gate": gate,
        "runs_apart": apart,
    }


def asks_for(call: dict[str, Any], expires_at: datetime | None = None) -> dict[str, Any]:
    """The call needs a decision."""
    until = expires_at or datetime.now(UTC) + MINUTE
    return {
        "id": call["id"],
        "status": "WAITING",
        "outcome": None,
        "request_id": uuid4(),
        "expires_at": until,
    }


def still(call: dict[str, Any], status: str = "WAITING") -> dict[str, Any]:
    """The call waits for what it was waiting for."""
    return {"id": call["id"], "status": status, "outcome": None}


def done(call: dict[str, Any], status: str = "OK", **outcome: Any) -> dict[str, Any]:
    return {"id": call["id"], "status": status, "outcome": outcome or {"output": "done"}}


def calls_segment(*, waits: bool = False) -> dict[str, Any]:
    waiting = {"waiting": {"type": "data-turn-waiting", "data": {}}} if waits else {}
    return {"kind": "CALLS", "last_n": 3, "replay": [{"type": "finish-step"}], **waiting}


@dataclass
class Stage:
    database: Database
    owner: Database
    valkey: Valkey
    tenant_id: UUID
    session_id: UUID
    turns_written: int = 0

    @classmethod
    async def open(
        cls,
        database: Database,
        owner: Database,
        valkey: Valkey,
        tenant_id: UUID | None = None,
        *,
        model: str = MODEL,
    ) -> "Stage":
        tenant_id = tenant_id or await create_tenant(owner, "A tenant")
        async with database.transaction(tenant_id) as db:
            agents = AgentStore(db, tenant_id)
            agent_id = await agents.create(
                "Agent", instructions=INSTRUCTIONS, model=model, reasoning_effort=EFFORT
            )
            session = ChatSession(
                id=uuid4(), tenant_id=tenant_id, agent_id=agent_id, account_id=uuid4(), channel="API"
            )
            await SessionStore(db, tenant_id).add(session)
        return cls(database, owner, valkey, tenant_id, session.id)

    async def another(self, model: str = MODEL) -> "Stage":
        """Another session of this tenant, with an agent of its own."""
        return await Stage.open(self.database, self.owner, self.valkey, self.tenant_id, model=model)

    async def neighbour(self) -> "Stage":
        """A session of another tenant."""
        return await Stage.open(self.database, self.owner, self.valkey)

    @property
    def events(self) -> EventLog:
        return EventLog(self.valkey)

    async def write(
        self, asked: str = "Hello", answered: str | None = None, *, count: int = 1, **columns: Any
    ) -> list[ChatTurn]:
        """The session's next turns, each with its message, and settled with a reply where one is given."""
        if answered is not None:
            columns = {"segment": 2, **columns}
        async with self.database.transaction(self.tenant_id) as db:
            turns = [self._turn(**columns) for _ in range(count)]
            db.add_all(turns)
            await db.flush()
            db.add_all(self._message(turn, Role.USER, asked) for turn in turns)
            if answered is not None:
                db.add_all(self._message(turn, Role.ASSISTANT, answered) for turn in turns)
        return turns

    async def queued(self, **columns: Any) -> ChatTurn:
        """The session's next turn, behind those that are open."""
        [turn] = await self.write(**columns)
        return turn

    async def claimable(self, since: timedelta = timedelta(0), **columns: Any) -> ChatTurn:
        """A turn that may be claimed, since then."""
        return await self.queued(claimable_at=ago(since), **columns)

    async def claimed(self, **columns: Any) -> Task:
        """A new turn, claimed once."""
        return await self.claim(await self.claimable(**columns))

    async def claim(self, turn: ChatTurn) -> Task:
        """Claim the turn, whose lease may be anybody's: it has passed."""
        await self.set(turn, claimable_at=ago(MINUTE))
        task = await claim_turn(self.database, turn.id, takes_over=True)
        assert task is not None
        return task

    async def set(self, turn: ChatTurn, **columns: Any) -> None:
        async with self.database.transaction(self.tenant_id) as db:
            await db.execute(update(ChatTurn).where(ChatTurn.id == turn.id).values(**columns))

    async def begin(
        self, task: Task, calls: Sequence[dict[str, Any]], at: tuple[int, int] | None = None
    ) -> bool:
        """Begin calls that the turn will wait for, as its driver does before readers are told of them."""
        turn = task.turn
        at = at or (turn.segment, turn.claim)
        rows = await self.database.call("neo_begin_calls", turn.tenant_id, turn.id, *at, written(list(calls)))
        return bool(rows[0][0])

    async def settle(
        self,
        task: Task,
        last: dict[str, Any] | None = None,
        planned: Sequence[dict[str, Any]] = (),
        done: Sequence[dict[str, Any]] = (),
        *,
        lease: timedelta | None = LEASE,
        segment: int | None = None,
        claim: int | None = None,
        lease_id: UUID | None = None,
        begins: bool = True,
    ) -> asyncpg.Record | None:
        """Settle the task's segment, as it was claimed unless said otherwise. None for a writer that is fenced."""
        turn = task.turn
        last = last or {
            "kind": "MODEL",
            "last_n": 4,
            "parts": [text_part("Wait.")],
            "finish_reason": "tool-calls",
        }
        at = (turn.segment if segment is None else segment, turn.claim if claim is None else claim)
        begun = [row for row in done if row["outcome"] is None]
        if begins and begun:
            await self.begin(task, begun, at)
        found = await self.database.call(
            "neo_settle_segment",
            *(turn.tenant_id, turn.id, lease_id or task.lease_id),
            *at,
            *(written(last), written(list(planned)), written(list(done))),
            lease,
        )
        return found[0] if found else None

    async def asked(self, *calls: dict[str, Any], **columns: Any) -> Task:
        """A turn whose model has asked for these calls, in its second segment."""
        task = await self.claimed(**columns)
        assert await self.settle(task, planned=calls)
        task.go_on(2, 1, Position(task.turn.turn_no, 1, 1, 4))
        return task

    async def waiting(self, *calls: dict[str, Any], **columns: Any) -> Task:
        """A turn that waits for these calls."""
        task = await self.asked(*calls, **columns)
        noted = [still(call, "RUNNING") if call["runs_apart"] else asks_for(call) for call in calls]
        settled = await self.settle(task, calls_segment(waits=True), done=noted)
        assert settled is not None
        assert settled["status"] == "WAITING"
        return task

    async def decide(self, call: dict[str, Any], decision: str = "APPROVED") -> bool:
        [row] = await self.database.call("neo_decide_request", self.tenant_id, call["id"], decision)
        return bool(row[0])

    async def end_call(self, call: dict[str, Any], status: str = "OK", **outcome: Any) -> bool:
        values = (self.tenant_id, call["id"], status, written(outcome or {"output": "done"}))
        [row] = await self.database.call("neo_end_call", *values)
        return bool(row[0])

    async def cancel(self, turn: ChatTurn) -> None:
        """Record that the running turn is to stop."""
        async with self.database.transaction(self.tenant_id) as db:
            await TurnStore(db, self.tenant_id).request_cancel(turn.id)

    async def turn(self, turn: ChatTurn) -> ChatTurn:
        """The turn as PostgreSQL has it now."""
        async with self.database.transaction(self.tenant_id) as db:
            return await TurnStore(db, self.tenant_id).get(self.session_id, turn.id)

    async def segments(self, turn: ChatTurn) -> list[TurnSegment]:
        async with self.database.transaction(self.tenant_id) as db:
            mine = select(TurnSegment).where(TurnSegment.turn_id == turn.id).order_by(TurnSegment.segment)
            return list(await db.scalars(mine))

    async def calls(self, turn: ChatTurn) -> list[ToolCallRow]:
        async with self.database.transaction(self.tenant_id) as db:
            mine = select(ToolCallRow).where(ToolCallRow.turn_id == turn.id)
            return list(await db.scalars(mine.order_by(ToolCallRow.segment, ToolCallRow.position)))

    async def request(self, call: dict[str, Any]) -> ApprovalRequestRow:
        async with self.database.transaction(self.tenant_id) as db:
            wanted = select(ApprovalRequestRow).where(ApprovalRequestRow.call_id == call["id"])
            return (await db.scalars(wanted)).one()

    async def value(self, sql: str, **values: Any) -> Any:
        async with self.database.transaction(self.tenant_id) as db:
            return await db.scalar(text(sql), values)

    async def session(self) -> ChatSession:
        async with self.database.transaction(self.tenant_id) as db:
            return await SessionStore(db, self.tenant_id).get(self.session_id)

    async def reply(self, turn: ChatTurn) -> list[dict[str, Any]] | None:
        """The parts of the turn's stored reply."""
        async with self.database.transaction(self.tenant_id) as db:
            found = await MessageStore(db, self.tenant_id).find(self.session_id, turn.reply_message_id)
        return None if found is None else found.parts

    async def writer(self, turn_no: int = 1, segment: int = 1, claim: int = 1) -> SegmentWriter:
        """An open writer of one claim, which gets no other."""

        async def no_claim() -> int:
            return 0

        begins = Position(turn_no, segment, claim, 0)
        writer = SegmentWriter(self.events, self.session_id, begins, after=None, next_claim=no_claim)
        await writer.open()
        return writer

    async def streamed(self) -> list[tuple[Position, dict[str, Any]]]:
        """What readers of the session were sent."""
        found = await self.valkey.call("XRANGE", f"neo:{{{self.session_id}}}:events", "-", "+")
        return [
            (Position.of_id(event_id.decode()), orjson.loads(payload)) for event_id, (*_, payload) in found
        ]

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


def written(value: Any) -> str:
    return orjson.dumps(value, default=str).decode()
