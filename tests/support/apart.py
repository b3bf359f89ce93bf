"""The server of the journeys as `neo api` and `neo worker` apart (NEO_TEST_SHAPE=apart)."""

import asyncio
import os
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from neo.access import ApiKeyStore, Pepper
from neo.agents import create_tenant
from neo.db import Database
from neo.engines.processes.probe import http_answer, until
from neo.engines.server import READY_PATH
from neo.engines.stack import engines_up
from support.server import HEALTHY_SECONDS, STOP_SECONDS, Server

IS_WANTED = os.environ.get("NEO_TEST_SHAPE") == "apart"
SECRET = "a secret key of at least thirty-two characters"


@dataclass
class ApartServer(Server):
    engines: AsyncExitStack = field(default_factory=AsyncExitStack)
    processes: list[asyncio.subprocess.Process] = field(default_factory=list)

    @property
    def settings(self) -> dict[str, str]:
        addresses = self.addresses
        return {
            **super().settings,
            "NEO_DATABASE_URL": addresses.database_url,
            "NEO_DATABASE_OWNER_URL": addresses.database_owner_url,
            "NEO_REDIS_URL": addresses.redis_url,
            "NEO_TEMPORAL_ADDRESS": addresses.temporal_address,
            "NEO_SCRIPTED_MODEL_URL": addresses.scripted_model_url,
            "NEO_SECRET_KEY": SECRET,
        }

    async def start(self) -> Server:
        await self.engines.enter_async_context(engines_up(self.data, models="scripted"))
        (self.data / "secret").write_text(SECRET)
        migrating = await self._run("migrate")
        assert await migrating.wait() == 0, self.log()
        await self._make_tenant()
        self.processes = [await self._run("api", "--port", str(self.port)), await self._run("worker")]
        async with asyncio.timeout(HEALTHY_SECONDS):
            await until(self._is_ready)
        return self

    async def stop(self) -> int:
        for process in self.processes:
            process.terminate()
        async with asyncio.timeout(STOP_SECONDS):
            codes = [await process.wait() for process in self.processes]
        await self.engines.aclose()
        return max(codes)

    async def _run(self, *words: str) -> asyncio.subprocess.Process:
        # One port for metrics is not enough for two processes.
        env = {name: value for name, value in self.settings.items() if name != "NEO_METRICS_PORT"}
        with self._log.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "neo", *words), env=env, stdout=log, stderr=log
            )

    async def _make_tenant(self) -> None:
        database = Database(self.addresses.database_owner_url, connections_max=1)
        tenant_id = await create_tenant(database, "A tenant")
        async with database.transaction(tenant_id) as db:
            _, self.api_key = await ApiKeyStore(db, tenant_id).create(
                "test", environment="local", pepper=Pepper((SECRET,))
            )
        await database.aclose()
        self.told = {"tenant_id": str(tenant_id)}

    async def _is_ready(self) -> bool:
        answer = await http_answer("127.0.0.1", self.port, READY_PATH)
        return b'"status":"ready"' in answer
