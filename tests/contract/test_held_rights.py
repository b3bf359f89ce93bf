"""Whoever changes what others may do or use still has the right to when the change is stored.

Each door that changes something is entered while somebody takes the caller's right away, and has not committed yet: the
use case must wait for that, in its own transaction, and then refuse.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from contract.door_objects import Household, make_household
from contract.door_table import (
    AGENT,
    CHANNEL,
    CONNECTION,
    CONNECTIONS,
    DOORS,
    GOVERNORS,
    MANAGERS,
    RELAY,
    STOPS,
    TOKENS,
    Operation,
)
from support.people import People
from support.rows import Rows

LOCK_OUT = "UPDATE technicians SET is_active = false WHERE user_id = :id"
REVOKE = "UPDATE api_keys SET revoked_at = now() WHERE tenant_id = :id"
OWN_ID = text("SELECT pg_backend_pid()")
IS_WAITED_FOR = text("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE :pid = ANY (pg_blocking_pids(pid)))")
SECONDS_MAX = 5

CHANGING = {
    operation: callers
    for operation, callers in DOORS.items()
    if operation[0] != "get"
    and (callers in (MANAGERS, GOVERNORS, RELAY) or operation[1].startswith(TOKENS))
    # Answers only.
    and operation not in (("post", "/public-api/channels/resolve"), ("post", f"{AGENT}/tools/explain"))
}
# What each is sent; none: no body.
BODIES: dict[Operation, dict[str, Any]] = {
    ("post", TOKENS): {"session_id": "{session_id}"},
    ("post", "/public-api/channels/install-events"): {
        "bot_id": "{bot_id}",
        "end_client_tenant_id": "{end_client_tenant_id}",
    },
    ("post", "/public-api/channels"): {
        "internal_name": "Another", "audience": "END_USER", "agent_id": "{agent_id}"
    },
    ("patch", CHANNEL): {"internal_name": "Renamed"},
    ("post", "/public-api/end-companies"): {"psa_company_id": "new", "psa_company_name": "New"},
    ("post", "/public-api/end-companies/bulk-update"): {
        "companies": [{"psa_company_id": "{psa_company_id}", "psa_company_name": "Renamed"}]
    },
    ("patch", "/public-api/end-companies/{psa_company_id}"): {"psa_company_name": "Renamed"},
    ("post", "/public-api/agents"): {"autonomy_type": "CONVERSATIONAL", "name": "Another"},
    ("put", "/public-api/agents/{agent_id}"): {"name": "Renamed"},
    ("patch", "/public-api/agents/{agent_id}"): {"name": "Renamed"},
    ("post", "/public-api/tenants"): {"name": "Another"},
    ("put", "/public-api/settings"): {"human_friendly_client_name": "Renamed"},
    ("post", "/public-api/technicians"): {"user_id": str(uuid4())},
    ("patch", "/public-api/technicians/{user_id}"): {"role": "Viewer"},
    ("post", "/public-api/api-keys"): {"name": "Another"},
    ("post", CONNECTIONS): {"name": "another", "kind": "MCP_HTTP", "url": "https://mcp.example/"},
    ("patch", CONNECTION): {"untrusted": True},
    ("put", f"{CONNECTION}/secret"): {"value": "a-secret"},
    ("post", f"{CONNECTION}/pin"): {"tools": ["*"]},
    ("patch", f"{CONNECTION}/tools/{{name}}"): {"effect": "READ"},
    ("put", STOPS): {"scope": "AGENT", "id": "{agent_id}"},
}  # fmt: skip


@pytest.fixture(scope="module")
async def household(rows: Rows, people: People) -> Household:
    return await make_household(people, await rows.tenant("Rights are held"))


@pytest.mark.parametrize(("method", "path"), CHANGING)
async def test_a_right_that_is_being_taken_away_is_waited_for_and_then_missed(
    rows: Rows, people: People, household: Household, method: str, path: str
) -> None:
    ids = dict(household.ids)
    if CHANGING[method, path] == RELAY:
        platform = await rows.platform()
        caller, taking = people.client(platform.api_key), taken_away(rows, platform.id, REVOKE, platform.id)
        refusal = (401, "unauthenticated")
    else:
        oid, caller = await people.join(household.tenant.id, "Admin")
        taking = taken_away(rows, household.tenant.id, LOCK_OUT, oid)
        refusal = (403, "technician_inactive")
        ids["session_id"] = await caller.open()
    params = {"session_id": ids["session_id"]} if path.endswith("/tokens") else {}
    body = filled(BODIES.get((method, path)), ids)

    async with taking as is_waited_for:
        asked = asyncio.create_task(
            caller.http.request(method, path.format_map(ids), params=params, json=body)
        )
        waited = asyncio.create_task(is_waited_for)
        await asyncio.wait({asked, waited}, return_when=asyncio.FIRST_COMPLETED, timeout=SECONDS_MAX)
        if asked.done():
            waited.cancel()
        assert not asked.done(), f"It did not wait: {asked.result().text}"
        await waited
    answer = await asked

    assert (answer.status_code, answer.json()["error"]["code"]) == refusal


@asynccontextmanager
async def taken_away(
    rows: Rows, tenant_id: UUID, statement: str, named: UUID
) -> AsyncIterator[Coroutine[Any, Any, None]]:
    """Done, and committed at the end of the block; what is yielded ends once somebody waits for that."""
    async with rows.database.transaction(tenant_id) as db:
        await db.execute(text(statement), {"id": named})
        yield somebody_waits(rows, (await db.scalars(OWN_ID)).one())


async def somebody_waits(rows: Rows, pid: int) -> None:
    async with asyncio.timeout(SECONDS_MAX), rows.owner.without_tenant() as owner:
        while not await owner.scalar(IS_WAITED_FOR, {"pid": pid}):
            await asyncio.sleep(0.005)


def filled(body: Any, ids: dict[str, str]) -> Any:
    if isinstance(body, dict):
        return {name: filled(value, ids) for name, value in body.items()}
    if isinstance(body, list):
        return [filled(value, ids) for value in body]
    if body == "{agent_id}":
        return int(ids["agent_id"])
    return body.format_map(ids) if isinstance(body, str) else body
