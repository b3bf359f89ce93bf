"""What PostgreSQL has of a session and its turns: what a tail begins with, and asks again."""

import asyncio
from typing import cast
from uuid import UUID

from asyncpg import Record

from neo.access import Principal
from neo.db import Database, DatabaseUnavailable
from neo.events import Position
from neo.kit import Batcher
from neo.sessions import SessionNotFound, check_readable
from neo.tails.replay import Replay, SettledSegment
from neo.tails.turn_status import Settled, TurnState
from neo.turns.models import ChatTurn, TurnSegment
from neo.turns.render import terminal_chunk
from neo.turns.segments.replay import read_segments, segment_chunks
from neo.turns.store import TurnStore

# Read by one call.
SESSIONS_MAX = 1_000

# A tenant and its session.
SessionKey = tuple[UUID, UUID]


class SessionSnapshot:
    """Of the session's columns it has those that say who may see it and how."""

    __slots__ = ("_row",)

    def __init__(self, row: Record) -> None:
        self._row = row

    @property
    def id(self) -> UUID:
        return cast("UUID", self._row["id"])

    @property
    def account_id(self) -> UUID:
        return cast("UUID", self._row["account_id"])

    @property
    def actor_tenant_id(self) -> UUID | None:
        return cast("UUID | None", self._row["actor_tenant_id"])

    @property
    def channel(self) -> str:
        return str(self._row["channel"])

    @property
    def shows_progress(self) -> bool:
        return self._row["show_agent_progress_steps"] is not False

    @property
    def newest(self) -> TurnState | None:
        row = self._row
        if row["turn_no"] is None:
            return None
        settled = (row["settled_segment"], row["settled_claim"], row["settled_last_n"])
        return TurnState(
            row["turn_no"],
            row["is_open"],
            row["segment"],
            row["claim"],
            _position(row["turn_no"], row["terminal_segment"], row["terminal_claim"], row["terminal_n"]),
            Settled(*settled) if settled[0] is not None else None,
            is_waiting=row["is_waiting"],
        )


class SessionSnapshots:
    """Where many tails ask at once, one call of their tenant answers all of them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._read = Batcher(
            self._read_all, most=SESSIONS_MAX, name="session-snapshots", silence=DatabaseUnavailable
        )

    async def of(self, tenant_id: UUID, session_id: UUID) -> SessionSnapshot | None:
        """None where the tenant has no such session."""
        return await self._read((tenant_id, session_id))

    async def opening(self, caller: Principal, session_id: UUID) -> SessionSnapshot:
        """A session and its newest turn, whether open or not: what a tail begins with."""
        snapshot = await self.of(caller.tenant_id, session_id)
        if snapshot is None:
            raise SessionNotFound("No such chat session.")
        check_readable(caller, snapshot)
        return snapshot

    async def _read_all(self, asked: list[SessionKey]) -> list[SessionSnapshot | None]:
        sessions: dict[UUID, list[UUID]] = {}
        for tenant_id, session_id in asked:
            sessions.setdefault(tenant_id, []).append(session_id)
        reads = (self._of_tenant(tenant_id, session_ids) for tenant_id, session_ids in sessions.items())
        # By tenant too: who asks for another's session gets nothing, also when its owner asks at the same time.
        found = {key: snapshot for read in await asyncio.gather(*reads) for key, snapshot in read}
        return [found.get(key) for key in asked]

    async def _of_tenant(
        self, tenant_id: UUID, session_ids: list[UUID]
    ) -> list[tuple[SessionKey, SessionSnapshot]]:
        rows = await self._database.call("neo_tail_snapshots", tenant_id, session_ids)
        return [((tenant_id, row["id"]), SessionSnapshot(row)) for row in rows]


class StoredTurns:
    """Reads the status of turns, each time in a short transaction of its own."""

    __slots__ = ("_database", "_session_id", "_snapshots", "_tenant_id")

    def __init__(
        self, database: Database, snapshots: SessionSnapshots, tenant_id: UUID, session_id: UUID
    ) -> None:
        self._database = database
        self._snapshots = snapshots
        self._tenant_id = tenant_id
        self._session_id = session_id

    async def newest(self) -> TurnState | None:
        snapshot = await self._snapshots.of(self._tenant_id, self._session_id)
        return snapshot.newest if snapshot is not None else None

    async def turn(self, turn_no: int) -> TurnState | None:
        found = await self._database.call("neo_tail_snapshots", self._tenant_id, [self._session_id], turn_no)
        state = SessionSnapshot(found[0]).newest if found else None
        return state if state is not None and state.turn_no == turn_no else None

    async def has_open(self) -> bool:
        async with self._database.transaction(self._tenant_id) as db:
            return await TurnStore(db, self._tenant_id).find_first_open(self._session_id) is not None

    async def replay(self, turn_no: int) -> Replay:
        async with self._database.transaction(self._tenant_id) as db:
            turn = await TurnStore(db, self._tenant_id).find_by_no(self._session_id, turn_no)
            if turn is None:
                return Replay(turn_no, [])
            segments = [_settled(turn, row) for row in await read_segments(db, turn)]
        terminal_at = _position(turn_no, turn.terminal_segment, turn.terminal_claim, turn.terminal_n)
        terminal = None if turn.is_open else terminal_chunk(turn)
        return Replay(turn_no, segments, terminal=terminal, terminal_at=terminal_at)


def _settled(turn: ChatTurn, row: TurnSegment) -> SettledSegment:
    end = _position(turn.turn_no, row.segment, row.claim, row.last_n)
    return SettledSegment(row.segment, end, segment_chunks(turn, row))


def _position(turn_no: int, segment: int | None, claim: int | None, n: int | None) -> Position | None:
    if segment is None or claim is None or n is None:
        return None
    return Position(turn_no, segment, claim, n)
