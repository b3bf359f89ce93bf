"""A session's turns in PostgreSQL, for its tails."""

from uuid import UUID

from neo.db import Database
from neo.events import envelope
from neo.sessions import MessageStore
from neo.tails.session_snapshot import SessionSnapshots
from neo.tails.turn_status import TurnState
from neo.turns.render import replay_chunks
from neo.turns.store import TurnStore


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
        async with self._database.transaction(self._tenant_id) as db:
            turn = await TurnStore(db, self._tenant_id).find_by_no(self._session_id, turn_no)
            return None if turn is None else TurnState(turn_no, turn.is_open, turn.claim, turn.terminal_n)

    async def replay(self, turn_no: int) -> list[envelope.Chunk]:
        async with self._database.transaction(self._tenant_id) as db:
            turn = await TurnStore(db, self._tenant_id).find_by_no(self._session_id, turn_no)
            if turn is None:
                return []
            reply = await MessageStore(db, self._tenant_id).find(self._session_id, turn.reply_message_id)
            return replay_chunks(turn, reply.parts if reply else [])
