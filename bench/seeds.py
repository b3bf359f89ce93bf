"""Rows that would take hours to say: tenants, sessions and transcripts, written past the API as it would have."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from time import perf_counter
from uuid import UUID, uuid4

import asyncpg
from bench.http_connection import HttpConnection, request
from bench.idle import driver_url
from bench.neo import Neo
from bench.neo_user import SESSIONS

from neo.access import ApiKeyStore, Pepper
from neo.agents import create_tenant
from neo.db import Database

# A question of two lines and an answer of a paragraph, of ordinary words.
QUESTION = "The printer on the second floor says that it is offline again, although the others print well. "
ANSWER = "Please look whether its display shows an address, and tell me what the spooler says about it. " * 6

ROWS = """
WITH agent AS (
    SELECT id FROM agents WHERE managed_key = 'NEO_SUPPORT'
), opened AS (
    INSERT INTO chat_sessions (id, tenant_id, agent_id, account_id, title, channel, last_turn_no)
    SELECT $1, $2, agent.id, gen_random_uuid(), 'Printer', 'API', $3::int FROM agent
), numbered AS (
    SELECT no, gen_random_uuid() AS turn_id, gen_random_uuid() AS asked, gen_random_uuid() AS told
    FROM generate_series(1, $3::int) AS no
), turned AS (
    INSERT INTO chat_turns (id, tenant_id, session_id, turn_no, status, model_tier, user_message_id,
        reply_message_id, segment, claim, terminal_segment, terminal_claim, terminal_n, attempts, finish_reason,
        started_at, ended_at)
    SELECT turn_id, $2, $1, no, 'COMPLETED', 'FAST', asked, told, 2, 1, 1, 1, 60, 1, 'stop', now(), now() FROM numbered
), settled AS (
    INSERT INTO turn_segments (tenant_id, turn_id, segment, kind, claim, last_n, parts)
    SELECT $2, turn_id, 1, 'MODEL', 1, 59, jsonb_build_array(
        jsonb_build_object('type', 'step-start'),
        jsonb_build_object('type', 'text', 'state', 'done', 'text', $5::text))
    FROM numbered
)
INSERT INTO chat_messages (id, tenant_id, session_id, turn_id, position, role, parts)
SELECT asked, $2, $1, turn_id, no * 2, 'user', jsonb_build_array(jsonb_build_object('type', 'text', 'text', $4::text))
FROM numbered UNION ALL
SELECT told, $2, $1, turn_id, no * 2 + 1, 'assistant', jsonb_build_array(
    jsonb_build_object('type', 'step-start'),
    jsonb_build_object('type', 'text', 'state', 'done', 'text', $5::text))
FROM numbered
"""
EMPTY = """
INSERT INTO chat_sessions (id, tenant_id, agent_id, account_id, title, channel, created_at)
SELECT gen_random_uuid(), $1, agents.id, gen_random_uuid(), 'Printer ' || no, 'API', now() - no * interval '1 minute'
FROM generate_series(1, $2::int) AS no, agents WHERE agents.managed_key = 'NEO_SUPPORT'
"""


class Seeds:
    """`neo` speaks for the newest tenant that was made here."""

    def __init__(self, neo: Neo, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self.neo = neo
        self._first = neo
        self._connection = connection
        self.tenant_id = UUID(int=0)

    async def tenant(self) -> Neo:
        self.tenant_id, api_key = await _made(self._first)
        self.neo = replace(self._first, api_key=api_key)
        # Row-level security binds us too; a session's setting lasts for all that follows.
        await self._connection.execute("SELECT set_config('neo.tenant_id', $1, false)", str(self.tenant_id))
        return self.neo

    async def session(self, messages: int) -> str:
        session_id = uuid4()
        await self._connection.execute(ROWS, session_id, self.tenant_id, messages // 2, QUESTION * 2, ANSWER)
        return str(session_id)

    async def empty_sessions(self, count: int) -> None:
        await self._connection.execute(EMPTY, self.tenant_id, count)

    async def list_ms(self, neo: Neo) -> float:
        connection, began = await HttpConnection.open(neo.port), perf_counter()
        await connection.ask(request("GET", SESSIONS, neo.key_header))
        connection.close()
        return (perf_counter() - began) * 1000

    async def analyze(self) -> None:
        """PostgreSQL would do it by itself within a minute."""
        owner = await asyncpg.connect(driver_url(self._first, "database_owner_url"))
        await owner.execute("ANALYZE")
        await owner.close()


async def _made(neo: Neo) -> tuple[UUID, str]:
    """A tenant and its key, made here: a command line for each would take longer than what is measured."""
    owner = Database(neo.addresses["database_owner_url"], connections_max=1)
    pepper = Pepper(((neo.data / "secret").read_text().strip(),))
    try:
        tenant_id = await create_tenant(owner, "Benchmark")
        async with owner.transaction(tenant_id) as db:
            _, key = await ApiKeyStore(db, tenant_id).create("benchmark", environment="local", pepper=pepper)
    finally:
        await owner.aclose()
    return tenant_id, key


@asynccontextmanager
async def seeds_of(neo: Neo) -> AsyncIterator[Seeds]:
    connection = await asyncpg.connect(driver_url(neo, "database_url"))
    try:
        yield Seeds(neo, connection)
    finally:
        await connection.close()
