"""A tenant with an agent, a connection with a tool, and turns of each kind of author, written as rows: no server drives
them, for somebody has their lease.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from neo.stops import DispatchRules
from support.rows import Rows

SESSION = """
INSERT INTO chat_sessions (id, tenant_id, agent_id, account_id, channel, end_company_id)
VALUES (:session, :tenant, (SELECT max(id) FROM agents WHERE tenant_id = :tenant), :person, 'API', 'acme')
"""
MADE = (
    "INSERT INTO agents (tenant_id, name, toolbox) VALUES (:tenant, 'Agent', CAST(:toolbox AS jsonb))",
    "INSERT INTO technicians (tenant_id, user_id, role) VALUES (:tenant, :person, 'Admin')",
    """
    INSERT INTO connections (id, tenant_id, name, kind, url, audience, health)
    VALUES (:connection, :tenant, 'desk', 'MCP_HTTP', 'https://mcp.example/', 'MSP', 'OK')
    """,
    """
    INSERT INTO connection_tools (tenant_id, connection_id, name, listed, listed_digest, pinned, pinned_digest)
    SELECT :tenant, :connection, name, '{}', 'd1', '{}', 'd1' FROM unnest(ARRAY['read', 'write']) name
    """,
    SESSION,
    """
    INSERT INTO session_tokens (jti, tenant_id, session_id, minted_by, expires_at)
    VALUES (:token, :tenant, :session, :person, now() + interval '1 hour')
    """,
)
TURN = """
INSERT INTO chat_turns (id, tenant_id, session_id, turn_no, status, model_tier, user_message_id, reply_message_id,
    segment, claim, lease_id, claimable_at, author_kind, author_id, author_tenant_id, credential_id)
VALUES (:turn, :tenant, :session, 1, 'RUNNING', 'FAST', gen_random_uuid(), gen_random_uuid(), 2, 1, :lease,
    now() + interval '1 hour', :kind, :author, :author_tenant, :credential)
"""
CALL = """
INSERT INTO tool_calls (id, tenant_id, turn_id, segment, position, provider_call_id, name, arguments, digest, gate,
    status, connection_id, tool_name, tool_digest, effect, tier)
VALUES (:id, :tenant, :turn, 1, :position, 'p', :wire_name, '{}', '', 'AUTO', 'PLANNED', :connection, :tool, 'd1',
    :effect, :tier)
"""
DISPATCH = "SELECT neo_dispatch_call(:tenant, :turn, :lease, 2, 1, :id, :attempt, CAST(:rules AS jsonb))"
IS_WAITED_FOR = """
SELECT EXISTS (SELECT FROM pg_stat_activity WHERE CAST(:process AS integer) = ANY (pg_blocking_pids(pid)))
"""
SECONDS_MAX = 5
UNBOUND = DispatchRules()
NAME = re.compile(r"(?<!:):([a-z_]+)")


@dataclass
class World:
    rows: Rows
    ids: dict[str, Any]
    rules: DispatchRules = UNBOUND
    planned: int = 0
    turns: dict[str, Any] = field(default_factory=dict)

    @classmethod
    async def of(cls, rows: Rows, author: str = "service_account") -> "World":
        tenant, platform = await rows.tenant("A tenant whose agents act"), await rows.platform()
        names = ("person", "connection", "session", "token", "turn", "lease")
        ids: dict[str, Any] = {name: uuid4() for name in names}
        ids |= {"tenant": tenant.id, "platform": platform.id, "kind": author}
        world = cls(rows, ids)
        allowed = {"connections": [{"connection_id": str(ids["connection"]), "allow": ["write", "read"]}]}
        ids["toolbox"] = json.dumps({"tool_settings_by_type": {"MCP": allowed}})
        for statement in MADE:
            await world.write(statement)
        ids["agent"] = await world.value("SELECT agent_id FROM chat_sessions WHERE id = :session")
        ids |= {f"{name}_id": str(ids[name]) for name in ("tenant", "agent", "connection")}
        ids["key"] = await world.value("SELECT id FROM api_keys WHERE tenant_id = :tenant")
        ids["platform_key"] = await world.value("SELECT id FROM api_keys WHERE tenant_id = :platform")
        await world.write(TURN, **world.author())
        return world

    def author(self) -> dict[str, Any]:
        own = {"author_tenant": self.ids["tenant"], "author": uuid4()}
        match self.ids["kind"]:
            case "technician":
                return {**own, "author": self.ids["person"], "credential": None}
            case "end_user":
                return {**own, "author": None, "credential": self.ids["token"]}
            case "platform":
                return {**own, "author_tenant": self.ids["platform"], "credential": self.ids["platform_key"]}
        return {**own, "credential": self.ids["key"]}

    async def plan_beside(self, **fields: Any) -> str:
        """A call of another turn: of one turn, no two are dispatched in the same moment."""
        session, turn = uuid4(), uuid4()
        await self.write(SESSION, session=session)
        await self.write(TURN, **self.author(), session=session, turn=turn)
        return await self.plan(turn=turn, **fields)

    async def plan(
        self, effect: str | None = "WRITE", tool: str = "write", tier: str | None = None, turn: Any = None
    ) -> str:
        """A call that the turn's model has asked for."""
        self.planned += 1
        values = {"effect": effect, "tool": tool, "tier": tier, "wire_name": f"desk__{tool}"}
        call_id = f"call_{uuid4().hex}"
        values |= {"turn": turn or self.ids["turn"]}
        await self.write(CALL, id=call_id, position=self.planned, **values)
        self.turns[call_id] = values["turn"]
        return call_id

    async def dispatch(self, call_id: str, attempt: int = 1) -> str | None:
        """What the call is refused with; None: it is dispatched."""
        async with self.dispatching(call_id, attempt) as (refusal, _):
            return refusal

    @asynccontextmanager
    async def dispatching(self, call_id: str, attempt: int = 1) -> AsyncIterator[tuple[str | None, int]]:
        """A dispatch that is committed at the end, and the database's process that has it."""
        values = {"id": call_id, "attempt": attempt, "rules": self.rules.as_json()}
        values |= {"turn": self.turns[call_id]}
        async with self.rows.database.transaction(self.ids["tenant"]) as db:
            refusal: str | None = await db.scalar(text(DISPATCH), self._of(DISPATCH, values))
            yield refusal, await db.scalar(text("SELECT pg_backend_pid()")) or 0

    async def until_waited_for(self, process: int) -> None:
        async with asyncio.timeout(SECONDS_MAX):
            while not await self.value(IS_WAITED_FOR, process=process):
                await asyncio.sleep(0.01)

    async def write(self, statement: str, **values: Any) -> None:
        """As the owner's role, which may change whatever may be taken away."""
        async with self._owner(statement) as db:
            await db.execute(text(statement), self._of(statement, values))

    async def value(self, statement: str, **values: Any) -> Any:
        async with self._owner(statement) as db:
            return await db.scalar(text(statement), self._of(statement, values))

    def _owner(self, statement: str) -> AbstractAsyncContextManager[AsyncSession]:
        return self.rows.owner.transaction(self.ids["platform" if ":platform" in statement else "tenant"])

    def _of(self, statement: str, values: dict[str, Any]) -> dict[str, Any]:
        every = {**self.ids, **values}
        return {name: every[name] for name in NAME.findall(statement)}
