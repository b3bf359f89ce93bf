"""What `/public-api/ready` says of those who run turns, on PostgreSQL alone: nobody runs any here."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from neo.agents import create_tenant
from neo.api import RequestScope, install_error_handlers
from neo.db import Database
from neo.db.migrate import migrate
from neo.engines.data_folder.layout import locked
from neo.engines.postgres.home import discard_home
from neo.engines.stack import engines_up
from neo.meta import Engines, Health, meta_router

WAITS = """
WITH opened AS (
    INSERT INTO chat_sessions (id, tenant_id, account_id, agent_id, channel)
    SELECT gen_random_uuid(), :tenant_id, :tenant_id, min(id), 'API' FROM agents RETURNING id
)
INSERT INTO chat_turns (id, tenant_id, session_id, turn_no, model_tier, user_message_id, reply_message_id, claimable_at)
SELECT gen_random_uuid(), :tenant_id, id, 1, 'FAST', gen_random_uuid(), gen_random_uuid(), now() - interval '30 s'
FROM opened
"""


class Up:
    async def ping(self) -> None:
        """It answers."""


@dataclass
class Place:
    database: Database
    owner: Database
    http: httpx2.AsyncClient

    async def ready(self) -> dict[str, Any]:
        answer = await self.http.get("/public-api/ready")
        assert answer.status_code == 200
        data: dict[str, Any] = answer.json()["data"]
        return data

    async def renew(self, places: int) -> None:
        """As a process that runs turns does each second."""
        await self.database.call("neo_renew_leases", uuid4(), places, [], [], [], timedelta(seconds=4))

    async def by_owner(self, statement: str) -> None:
        async with self.owner.without_tenant() as owner:
            await owner.execute(text(statement))


@pytest.fixture(scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    data = tmp_path_factory.mktemp("ready") / "data"
    async with engines_up(data, parts=("postgres",)) as addresses:
        await migrate(addresses.database_owner_url, "neo_app")
        database = Database(addresses.database_url, connections_max=4)
        owner = Database(addresses.database_owner_url, connections_max=1)
        health = Health(Engines(database, Up(), Up()), database)
        health.schema_is_ready()
        app = FastAPI()
        app.include_router(meta_router)
        app.state.health = health
        install_error_handlers(app)
        transport = httpx2.ASGITransport(app=RequestScope(app))
        async with httpx2.AsyncClient(transport=transport, base_url="http://here") as http:
            yield Place(database, owner, http)
        await database.aclose()
        await owner.aclose()
    with locked(data) as folder:
        discard_home(folder)


@pytest.fixture(autouse=True)
async def empty(place: Place) -> None:
    await place.by_owner("DELETE FROM turn_processes")
    await place.by_owner("UPDATE chat_turns SET claimable_at = NULL")


async def test_with_a_process_that_has_places_it_is_ready(place: Place) -> None:
    await place.renew(places=8)

    ready = await place.ready()

    assert (ready["status"], ready["parts"]["turns"]) == ("ready", "up")
    assert ready["oldest_claimable_turn_seconds"] == 0


async def test_with_nobody_there_it_is_degraded_and_messages_are_still_accepted(place: Place) -> None:
    ready = await place.ready()

    assert (ready["status"], ready["parts"]["turns"]) == ("degraded", "no process")


async def test_one_that_was_seen_too_long_ago_does_not_count(place: Place) -> None:
    await place.renew(places=8)
    await place.by_owner("UPDATE turn_processes SET seen_at = now() - interval '11 s'")

    ready = await place.ready()

    assert ready["parts"]["turns"] == "no process"


async def test_one_that_drains_does_not_count(place: Place) -> None:
    await place.renew(places=0)

    ready = await place.ready()

    assert ready["parts"]["turns"] == "no process"


async def test_the_turn_that_waits_longest_is_told_by_its_age(place: Place) -> None:
    tenant_id = await create_tenant(place.database, "A tenant")
    async with place.database.transaction(tenant_id) as db:
        await db.execute(text(WAITS), {"tenant_id": tenant_id})

    ready = await place.ready()

    assert 30 <= ready["oldest_claimable_turn_seconds"] < 60
