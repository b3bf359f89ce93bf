"""PostgreSQL alone, with rows that a test writes itself: no server runs that would change them."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text

from neo.agents import create_tenant
from neo.db import Database
from neo.db.migrate import migrate
from neo.engines.data_folder.layout import locked
from neo.engines.postgres.home import discard_home
from neo.engines.stack import engines_up

LEASE = timedelta(seconds=4)
SESSION = """
INSERT INTO chat_sessions (id, tenant_id, account_id, agent_id, channel, last_turn_no)
SELECT :id, :tenant_id, :tenant_id, min(id), 'API', :turns FROM agents
"""
# What has ended is as `neo_end_turn` leaves it: with one segment, unless it was cancelled before anybody claimed it.
TURN = """
INSERT INTO chat_turns (id, tenant_id, session_id, turn_no, status, model_tier, user_message_id, reply_message_id,
    segment, claim, finish_reason, error_code, output_tokens, terminal_segment, terminal_claim, terminal_n,
    created_at, started_at, ended_at, claimable_at)
SELECT :id, :tenant_id, :session_id, :turn_no, :status, 'FAST', gen_random_uuid(), gen_random_uuid(),
    CASE WHEN has_ended THEN 2 ELSE 1 END, CASE WHEN :status <> 'QUEUED' THEN 1 ELSE 0 END,
    CASE :status WHEN 'COMPLETED' THEN 'stop' END, CASE :status WHEN 'FAILED' THEN 'turn_lost' END,
    CASE WHEN has_ended THEN 1 END,
    CASE WHEN has_ended THEN 1 END, CASE WHEN has_ended THEN 1 END, CASE WHEN has_ended THEN 5 END,
    now() - interval '1 hour', CASE WHEN :status <> 'QUEUED' THEN now() - interval '1 hour' END,
    CASE WHEN has_ended THEN now() - interval '59 minutes' END,
    CASE WHEN NOT has_ended AND :is_first THEN now() END
FROM (SELECT :status IN ('COMPLETED', 'FAILED', 'CANCELLED') AS has_ended)
"""
SEGMENT = """
INSERT INTO turn_segments (tenant_id, turn_id, segment, kind, claim, last_n, parts)
SELECT tenant_id, id, 1, 'MODEL', 1, 4, '[{"type": "text", "text": "Hello."}]' FROM chat_turns
WHERE id = :id AND ended_at IS NOT NULL
"""
MESSAGES = """
INSERT INTO chat_messages (id, tenant_id, session_id, turn_id, position, role, parts)
SELECT user_message_id, tenant_id, session_id, id, neo_message_position(turn_no, 'user'), 'user', jsonb '[]'
FROM chat_turns WHERE id = :id
UNION ALL
SELECT reply_message_id, tenant_id, session_id, id, neo_message_position(turn_no, 'assistant'), 'assistant', jsonb '[]'
FROM chat_turns WHERE id = :id AND ended_at IS NOT NULL
"""
ENDED = ("COMPLETED", "FAILED", "CANCELLED")


@dataclass
class BareDatabase:
    database: Database
    owner: Database
    tenant_id: UUID

    async def session(self, *statuses: str) -> tuple[UUID, list[UUID]]:
        """A session whose turns stand like this; the first one that is open may be claimed."""
        session_id, turn_ids = uuid4(), [uuid4() for _ in statuses]
        first = next((at for at, status in enumerate(statuses) if status not in ENDED), None)
        async with self.database.transaction(self.tenant_id) as db:
            values: dict[str, Any] = {"tenant_id": self.tenant_id, "session_id": session_id}
            await db.execute(
                text(SESSION), {"id": session_id, "tenant_id": self.tenant_id, "turns": len(statuses)}
            )
            for at, (turn_id, status) in enumerate(zip(turn_ids, statuses, strict=True)):
                turn = {**values, "id": turn_id, "turn_no": at + 1, "status": status, "is_first": at == first}
                await db.execute(text(TURN), turn)
                await db.execute(text(SEGMENT), {"id": turn_id})
                await db.execute(text(MESSAGES), {"id": turn_id})
        return session_id, turn_ids

    async def waiting(self) -> tuple[UUID, str]:
        """A turn that waits for a decision, as servers leave it; its id and its call's."""
        _, [turn_id] = await self.session("QUEUED")
        call_id = f"call_{turn_id.hex}"
        planned = {
            "id": call_id,
            "position": 1,
            "provider_call_id": "1",
            "name": "delete",
            "arguments": {},
            "digest": "00",
            "gate": "APPROVAL",
            "runs_apart": False,
        }
        until = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        asked = {"id": call_id, "status": "WAITING", "request_id": str(uuid4()), "expires_at": until}
        [claimed] = await self.database.call("neo_claim_turns", 1, LEASE, True, [], turn_id)
        held = (turn_id, claimed["lease_id"])
        await self._settle(held, 1, {"kind": "MODEL", "last_n": 4}, planned=[planned])
        last = {"kind": "CALLS", "last_n": 2, "replay": [], "waiting": {"type": "data-turn-waiting"}}
        await self.database.call("neo_begin_calls", self.tenant_id, turn_id, 2, 1, json.dumps([asked]))
        await self._settle(held, 2, last, done=[asked])
        return turn_id, call_id

    async def _settle(
        self,
        held: tuple[UUID, UUID],
        segment: int,
        last: dict[str, Any],
        *,
        planned: Any = (),
        done: Any = (),
    ) -> None:
        rows = [json.dumps(row) for row in (last, planned, done)]
        assert await self.database.call("neo_settle_segment", self.tenant_id, *held, segment, 1, *rows, LEASE)

    async def change(self, statement: str, **values: object) -> None:
        async with self.database.transaction(self.tenant_id) as db:
            await db.execute(text(statement), values)

    async def renew(self, places: int = 8) -> None:
        """As a process that runs turns does each second."""
        await self.database.call("neo_renew_leases", uuid4(), places, [], [], [], LEASE)

    async def by_owner(self, statement: str) -> None:
        async with self.owner.without_tenant() as owner:
            await owner.execute(text(statement))

    async def row(self, table: str, row_id: object, *, column: str = "id") -> Any:
        asked = text(f"SELECT * FROM {table} WHERE {column} = :id")
        async with self.database.transaction(self.tenant_id) as db:
            return (await db.execute(asked, {"id": row_id})).one()


@asynccontextmanager
async def connected(database_url: str, owner_url: str) -> AsyncIterator[BareDatabase]:
    await migrate(owner_url, "neo_app")
    database, owner = Database(database_url, connections_max=8), Database(owner_url, connections_max=2)
    yield BareDatabase(database, owner, await create_tenant(owner, "A tenant"))
    await database.aclose()
    await owner.aclose()


@asynccontextmanager
async def bare_database(data: Path) -> AsyncIterator[BareDatabase]:
    async with (
        engines_up(data, parts=("postgres",)) as addresses,
        connected(addresses.database_url, addresses.database_owner_url) as found,
    ):
        yield found
    with locked(data) as folder:
        discard_home(folder)
