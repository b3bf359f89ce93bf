"""What `/public-api/ready` says of those who run turns, on PostgreSQL alone: nobody runs any here."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from neo.api import edge, install_error_handlers
from neo.meta import Engines, Health, meta_router
from support.bare_database import BareDatabase, bare_database


class Up:
    async def ping(self) -> None:
        """It answers."""


@dataclass
class Place:
    bare: BareDatabase
    http: httpx2.AsyncClient

    async def ready(self) -> dict[str, Any]:
        answer = await self.http.get("/public-api/ready")
        assert answer.status_code == 200
        data: dict[str, Any] = answer.json()["data"]
        return data


@pytest.fixture(scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    async with bare_database(tmp_path_factory.mktemp("ready") / "data") as bare:
        health = Health(Engines(bare.database, Up(), Up()), bare.database, look_seconds=0)
        health.schema_is_ready()
        app = FastAPI()
        app.include_router(meta_router)
        app.state.health = health
        install_error_handlers(app)
        transport = httpx2.ASGITransport(app=edge(app))
        async with httpx2.AsyncClient(transport=transport, base_url="http://here") as http:
            yield Place(bare, http)


@pytest.fixture(autouse=True)
async def empty(place: Place) -> None:
    await place.bare.by_owner("DELETE FROM turn_processes")
    await place.bare.by_owner("UPDATE chat_turns SET claimable_at = NULL")


async def test_with_a_process_that_has_places_it_is_ready(place: Place) -> None:
    await place.bare.renew(places=8)

    ready = await place.ready()

    assert (ready["status"], ready["parts"]["turns"]) == ("ready", "up")
    assert ready["oldest_claimable_turn_seconds"] == 0


async def test_with_nobody_there_it_is_degraded_and_messages_are_still_accepted(place: Place) -> None:
    ready = await place.ready()

    assert (ready["status"], ready["parts"]["turns"]) == ("degraded", "no process")


async def test_one_that_was_seen_too_long_ago_does_not_count(place: Place) -> None:
    await place.bare.renew(places=8)
    await place.bare.by_owner("UPDATE turn_processes SET seen_at = now() - interval '11 s'")

    ready = await place.ready()

    assert ready["parts"]["turns"] == "no process"


async def test_one_that_drains_does_not_count(place: Place) -> None:
    await place.bare.renew(places=0)

    ready = await place.ready()

    assert ready["parts"]["turns"] == "no process"


async def test_the_turn_that_waits_longest_is_told_by_its_age(place: Place) -> None:
    await place.bare.session("QUEUED")
    await place.bare.by_owner("UPDATE chat_turns SET claimable_at = now() - interval '30 s'")

    ready = await place.ready()

    assert 30 <= ready["oldest_claimable_turn_seconds"] < 60


async def test_whoever_asks_within_a_second_shares_one_look(place: Place) -> None:
    class Counted(Up):
        pings = 0

        async def ping(self) -> None:
            self.pings += 1

    counted = Counted()
    health = Health(Engines(place.bare.database, counted, Up()), place.bare.database)
    health.schema_is_ready()

    await asyncio.gather(*(health.readiness() for _ in range(50)))
    await health.readiness()

    assert counted.pings == 1
