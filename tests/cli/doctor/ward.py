"""PostgreSQL without a server, so that nobody else puts anything right; and what `neo doctor` says of it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from cli.neo_command import neo
from neo.cli.doctor.context import RepairContext
from neo.cli.doctor.findings import Finding, State, repaired
from neo.cli.doctor.turns.ended_turns import ENDED_TURNS
from neo.cli.doctor.turns.invariant import check_invariant
from neo.cli.doctor.turns.open_turns import OPEN_TURNS
from neo.cli.doctor.turns.processes import NAME as PROCESSES
from neo.cli.doctor.turns.processes import check_processes
from neo.engines.addresses import Addresses
from neo.engines.data_folder.layout import locked
from neo.engines.postgres.home import discard_home
from neo.engines.stack import engines_up
from neo.settings import Settings, read_settings
from support.bare_database import BareDatabase, connected

Checks = dict[str, list[Finding]]
# Repairs need neither Valkey nor Temporal.
AWAY = "127.0.0.1:1"
TABLES = ("chat_turns", "chat_sessions", "turn_segments", "tool_calls", "approval_requests")


@dataclass
class Ward:
    data: Path
    addresses: Addresses
    bare: BareDatabase

    async def everything(self) -> list[Any]:
        async with self.bare.owner.without_tenant() as owner:
            return [
                (await owner.execute(text(f"SELECT * FROM {table} ORDER BY 1, 2, 3"))).all()
                for table in TABLES
            ]

    def environment(self) -> dict[str, str]:
        return {
            "NEO_DATABASE_URL": self.addresses.database_url,
            "NEO_DATABASE_OWNER_URL": self.addresses.database_owner_url,
            "NEO_REDIS_URL": f"redis://{AWAY}",
            "NEO_TEMPORAL_ADDRESS": AWAY,
            "NEO_BLOB_URL": (self.data / "blobs").resolve().as_uri(),
            "NEO_SECRET_KEY": "x" * 43,
            "NEO_MODEL_FAST": "openai:some-model",
            "NEO_OPENAI_API_KEY": "sk-none",
        }

    async def examined(self) -> Checks:
        """What the checks of turns find, by check."""
        return await self._examined(is_repaired=False)

    async def repaired(self) -> Checks:
        """The same, with each repair that is needed, and what the check finds after it."""
        return await self._examined(is_repaired=True)

    async def by_command(self, *options: str) -> Checks:
        """What `neo doctor` says, by check."""
        doctor = await neo("doctor", "--data", str(self.data), "--json", *options, **self.environment())
        checks: Checks = {}
        for check in json.loads(doctor.out)["checks"]:
            checks.setdefault(check["name"], []).append(
                Finding(check["name"], State(check["state"]), check["said"], check["next_step"])
            )
        return checks

    async def _examined(self, *, is_repaired: bool) -> Checks:
        checks = {PROCESSES: await check_processes(self.bare.database, is_served=True)}
        context = RepairContext(self._settings(), self.bare.owner)
        for one in (*OPEN_TURNS, *ENDED_TURNS):
            found = checks[one.name] = await check_invariant(self.bare.owner, one)
            if is_repaired and one.repair is not None and found[0].state is State.PROBLEM:
                found += [repaired(one.name, await one.repair.run(context, one.broken))]
                found += await check_invariant(self.bare.owner, one)
        await context.aclose()
        return checks

    def _settings(self) -> Settings:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.environment().items():
                patch.setenv(name, value)
            return read_settings()


@asynccontextmanager
async def ward_at(data: Path) -> AsyncIterator[Ward]:
    async with (
        engines_up(data, parts=("postgres",)) as addresses,
        connected(addresses.database_url, addresses.database_owner_url) as bare,
    ):
        yield Ward(data, addresses, bare)
    with locked(data) as folder:
        discard_home(folder)


def states(checks: Checks, name: str) -> list[str]:
    return [finding.state.value for finding in checks[name]]
