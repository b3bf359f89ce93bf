"""`neo api` and `neo worker` as processes of their own, against shared engines."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import httpx2
from sqlalchemy import text

from cli.neo_command import neo as command
from neo.access import ApiKeyStore, Pepper
from neo.agents import AgentStore, create_tenant
from neo.db import Database
from neo.engines.addresses import Addresses
from neo.engines.data_folder.layout import locked
from neo.engines.postgres.home import discard_home
from neo.engines.stack import engines_up
from support.client import Client
from support.forked import Forked, neo_in
from support.ports import free_port

SECRET = "a secret key of at least thirty-two characters"
START_SECONDS = 90
# More than both have places for, so that some wait.
PLACES = 15
BURST_SESSIONS = 3 * PLACES
OPEN = text("SELECT count(*) FROM chat_turns WHERE status IN ('QUEUED', 'RUNNING')")
T = TypeVar("T")


def environment(addresses: Addresses) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("NEO_")}
    return {
        **clean,
        "NEO_DATABASE_URL": addresses.database_url,
        "NEO_REDIS_URL": addresses.redis_url,
        "NEO_TEMPORAL_ADDRESS": addresses.temporal_address,
        "NEO_SCRIPTED_MODEL_URL": addresses.scripted_model_url,
        "NEO_MODEL_FAST": "scripted:tokens=30,delay_ms=40",
        "NEO_SECRET_KEY": SECRET,
        "NEO_LOG_FORMAT": "json",
    }


@asynccontextmanager
async def neo(log: Path, env: dict[str, str], *words: str) -> AsyncIterator[None]:
    child = await Forked.start(neo_in(log, env, *words))
    try:
        yield
    finally:
        os.kill(child.pid, signal.SIGTERM)
        await asyncio.wait_for(child.exited(), START_SECONDS)


async def key_of_a_tenant(addresses: Addresses) -> tuple[UUID, str]:
    database = Database(addresses.database_owner_url, connections_max=1)
    tenant_id = await create_tenant(database, "A tenant")
    async with database.transaction(tenant_id) as db:
        _, key = await ApiKeyStore(db, tenant_id).create(
            "test", environment="local", pepper=Pepper((SECRET,))
        )
        assert await AgentStore(db, tenant_id).create("Another agent") > 0
    await database.aclose()
    return tenant_id, key


async def ready(url: str) -> None:
    async with (
        asyncio.timeout(START_SECONDS),
        httpx2.AsyncClient(base_url=url, trust_env=False, verify=False) as http,
    ):
        while True:
            try:
                if (await http.get("/public-api/ready")).status_code == 200:
                    return
            except httpx2.HTTPError:
                pass
            await asyncio.sleep(0.05)


@dataclass
class Houses:
    """Two servers, each with a worker beside its API, and a client of each."""

    addresses: Addresses
    tenant_id: UUID
    of_first: Client
    of_other: Client


@asynccontextmanager
async def two_houses(tmp_path: Path, **settings: str) -> AsyncIterator[Houses]:
    async with engines_up(tmp_path / "data", models="scripted") as addresses:
        env = environment(addresses) | settings
        log, ports = tmp_path / "neo.log", (free_port(), free_port())
        assert (
            await command("migrate", **env, NEO_DATABASE_OWNER_URL=addresses.database_owner_url)
        ).code == 0
        tenant_id, key = await key_of_a_tenant(addresses)
        first, other = (neo(log, env, "api", "--with-worker", "--port", str(port)) for port in ports)
        clients = [Client(f"http://127.0.0.1:{port}", key) for port in ports]
        async with first, other:
            await asyncio.gather(*(ready(f"http://127.0.0.1:{port}") for port in ports))
            yield Houses(addresses, tenant_id, *clients)
            for client in clients:
                await client.http.aclose()
    with locked(tmp_path / "data") as folder:
        discard_home(folder)


async def test_of_a_burst_at_one_process_another_takes_its_part_and_no_model_is_asked_twice(
    tmp_path: Path,
) -> None:
    async with two_houses(
        tmp_path,
        NEO_MODEL_FAST="scripted:tokens=20,delay_ms=50",
        NEO_RATE_LIMIT_REQUESTS="0",
        NEO_WORKER_TURNS=str(PLACES),
    ) as houses:
        sessions = await at_once(BURST_SESSIONS, lambda _: houses.of_other.open())
        said = lambda number: houses.of_first.say(sessions[number], f"text {number}")  # noqa: E731
        await at_once(BURST_SESSIONS, said)
        await all_ended(houses)

        async with httpx2.AsyncClient(trust_env=False, verify=False) as http:
            url = houses.addresses.scripted_model_url.removesuffix("/v1")
            calls = (await http.get(f"{url}/control/calls")).json()["calls"]

    assert sorted(call["text"] for call in calls) == sorted(f"text {n}" for n in range(BURST_SESSIONS))


async def at_once(count: int, ask: Callable[[int], Awaitable[T]]) -> list[T]:
    places = asyncio.Semaphore(32)

    async def one(number: int) -> T:
        async with places:
            return await ask(number)

    return await asyncio.gather(*(one(number) for number in range(count)))


async def all_ended(houses: Houses) -> None:
    database = Database(houses.addresses.database_url, connections_max=1)
    async with asyncio.timeout(START_SECONDS):
        while True:
            async with database.transaction(houses.tenant_id) as db:
                if not await db.scalar(OPEN):
                    break
            await asyncio.sleep(0.1)
    await database.aclose()


async def test_the_halves_refuse_to_start_without_a_model_or_an_engine() -> None:
    engines = {
        "NEO_DATABASE_URL": "postgresql+asyncpg://a@b/c",
        "NEO_REDIS_URL": "redis://localhost",
        "NEO_TEMPORAL_ADDRESS": "localhost:1",
        "NEO_SECRET_KEY": SECRET,
    }
    for half in ("api", "worker"):
        for env, word in ((engines, "NEO_MODEL_FAST"), ({}, "NEO_DATABASE_URL")):
            ended = await command(half, **env)
            assert ended.code == 1
            assert word in ended.stderr
            assert "Traceback" not in ended.stderr
