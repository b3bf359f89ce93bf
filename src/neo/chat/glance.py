"""A session and its newest turn at a glance: what a tail begins with, and what it looks at again."""

from uuid import UUID

from asyncpg import Record

from neo.chat.tail_ledger import TurnState
from neo.db import Database, fetch
from neo.kit import Together
from neo.sessions import ChatSession
from neo.turns.models import TurnStatus

GLANCE = """
    SELECT s.id, s.tenant_id, s.account_id, s.actor_tenant_id, s.channel, s.show_agent_progress_steps,
           t.turn_no, t.status, t.pen, t.terminal_n
    FROM chat_sessions s
    LEFT JOIN LATERAL (
        SELECT turn_no, status, pen, terminal_n FROM chat_turns
        WHERE tenant_id = s.tenant_id AND session_id = s.id ORDER BY turn_no DESC LIMIT 1
    ) t ON true
    WHERE s.tenant_id = $1 AND s.id = ANY($2)
"""
OF_SESSION = ("id", "tenant_id", "account_id", "actor_tenant_id", "channel", "show_agent_progress_steps")


class Glance:
    """How a session stood. Of its columns it has those that say who may see it and how."""

    __slots__ = ("_row",)

    def __init__(self, row: Record) -> None:
        self._row = row

    @property
    def session(self) -> ChatSession:
        return ChatSession(**{name: self._row[name] for name in OF_SESSION})

    @property
    def newest(self) -> TurnState | None:
        row = self._row
        if row["turn_no"] is None:
            return None
        return TurnState(row["turn_no"], TurnStatus(row["status"]).is_open, row["pen"], row["terminal_n"])


class Glances:
    """Many tails come back at once, or look at once: one transaction of their tenant serves them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._together = Together(self._at)

    async def of(self, tenant_id: UUID, session_id: UUID) -> Glance | None:
        return (await self._together.ask(tenant_id, session_id)).get(session_id)

    async def _at(self, tenant_id: UUID, session_ids: set[UUID]) -> dict[UUID, Glance]:
        async with self._database.transaction(tenant_id) as db:
            return {row["id"]: Glance(row) for row in await fetch(db, GLANCE, tenant_id, list(session_ids))}
