"""Checks each engine at the address of the running server's record, or else of the settings."""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from neo.cli.doctor.data_checks import Repairs
from neo.cli.doctor.database import check_database
from neo.cli.doctor.findings import Finding, checked, problem, skipped
from neo.cli.doctor.machine.folder import check_folder
from neo.cli.doctor.tenants.audit import NAME as AUDIT_LOG
from neo.cli.doctor.tenants.audit import check_audit_log
from neo.cli.doctor.tenants.secrets import SECRETS, check_secrets
from neo.cli.operator import OWNER_SECONDS, OperatorDatabase, operator_database
from neo.cli.secrets.command import wrapping_of
from neo.errors import Failure

if TYPE_CHECKING:
    from neo.engines.addresses import Addresses
    from neo.settings import Settings

LOOK_AT_OWNER = "look whether NEO_DATABASE_OWNER_URL is right"
LOOK_AT_VALKEY = "look whether it is up, and whether NEO_REDIS_URL is right"
# An address where nothing answers, for engines that have none until a server starts them.
AWAY = "127.0.0.1:1"
NOT_RUNNING = "It runs with the server, which is not running."


class Examination:
    def __init__(self, folder: Path, chosen: frozenset[str], repairs: Repairs) -> None:
        from neo.engines.data_folder.running import read_running  # noqa: PLC0415 - not needed for `--help`.

        self._folder = folder
        self._repairs = repairs
        self._running = read_running(folder)
        # A server may have been started with other settings than this shell's.
        self._embedded = frozenset(self._running.children) if self._running else chosen

    async def run(self) -> AsyncIterator[Finding]:
        if self._embedded:
            for finding in check_folder(self._folder):
                yield finding
        async with AsyncExitStack() as stack:
            try:
                found = await stack.enter_async_context(operator_database(self._folder))
            except Failure as failure:
                yield problem("postgres", failure.message)
                return
            async for finding in check_database(found, is_served=not self._is_away("postgres")):
                yield finding
            settings = self._settings_of_server(found)
            async for finding in self._data(found, settings):
                yield finding
            async for finding in self._engines(settings):
                yield finding
        for finding in await self._api():
            yield finding

    async def _data(self, found: OperatorDatabase, settings: "Settings") -> AsyncIterator[Finding]:
        from neo.cli.doctor.turns.invariant import check_owner  # noqa: PLC0415
        from neo.cli.models.examine import AGENTS, check_agents  # noqa: PLC0415
        from neo.db import Database  # noqa: PLC0415

        if found.owner_url is None:
            said = "NEO_DATABASE_OWNER_URL is not set: only the owner sees all tenants' turns."
            yield skipped("turns", said)
            return
        owner = Database(found.owner_url, connections_max=1, statement_seconds=OWNER_SECONDS)
        try:
            troubles = await checked("database owner", check_owner(owner), LOOK_AT_OWNER)
            for finding in troubles:
                yield finding
            if not troubles:
                check = check_audit_log(owner)
                for finding in await checked(AUDIT_LOG, check, seconds=OWNER_SECONDS):
                    yield finding
                if found.secret_key is not None:
                    check_vault = check_secrets(owner, wrapping_of(found))
                    for finding in await checked(SECRETS, check_vault, seconds=OWNER_SECONDS):
                        yield finding
                async for finding in self._repairs.examine(settings, owner):
                    yield finding
                for finding in await checked(
                    AGENTS, check_agents(owner, settings.models), seconds=OWNER_SECONDS
                ):
                    yield finding
        finally:
            await owner.aclose()

    async def _engines(self, settings: "Settings") -> AsyncIterator[Finding]:
        from neo.cli.models.examine import check_models  # noqa: PLC0415

        async for finding in self._valkey(settings):
            yield finding
        async for finding in self._temporal(settings):
            yield finding
        models = check_models(settings, is_served=self._running is not None)
        for finding in await checked("models", models):
            yield finding

    async def _valkey(self, settings: "Settings") -> AsyncIterator[Finding]:
        from neo.cli.doctor.engines import check_valkey  # noqa: PLC0415
        from neo.settings import plain  # noqa: PLC0415
        from neo.streams import Valkey  # noqa: PLC0415

        if self._is_away("valkey"):
            yield skipped("valkey", NOT_RUNNING)
            return
        valkey = Valkey(plain(settings.streams.redis_url) or "")
        try:
            check = check_valkey(valkey, is_ours="valkey" in self._embedded)
            for finding in await checked("valkey", check, LOOK_AT_VALKEY):
                yield finding
        finally:
            await valkey.aclose()

    async def _temporal(self, settings: "Settings") -> AsyncIterator[Finding]:
        from neo.cli.doctor.engines import check_temporal  # noqa: PLC0415

        if self._is_away("temporal"):
            yield skipped("temporal", NOT_RUNNING)
            return
        for finding in await checked("temporal", check_temporal(settings)):
            yield finding

    def _is_away(self, engine: str) -> bool:
        return engine in self._embedded and self._running is None

    async def _api(self) -> list[Finding]:
        from neo.cli.doctor.answers import check_api  # noqa: PLC0415

        if self._running is None or not self._running.addresses.url:
            return [skipped("api", f"No server runs on {self._folder}; `make run` starts one.")]
        return await checked("api", check_api(self._running.addresses.url))

    def _settings_of_server(self, found: OperatorDatabase) -> "Settings":
        from neo.engines.choose import (  # noqa: PLC0415
            choose_engines,
            server_environment,
            with_blob_folder,
        )
        from neo.settings import read_settings, with_secrets  # noqa: PLC0415

        known = self._running.addresses if self._running else _away()
        addresses = replace(
            known,
            database_url=found.database_url,
            database_owner_url=found.owner_url or "",
        )
        given = with_secrets(os.environ)
        engines = [engine for engine in choose_engines(given) if engine in self._embedded]
        filled = server_environment(given, addresses, found.secret_key or "", engines)
        if self._embedded:
            filled = with_blob_folder(filled, self._folder / "blobs")
        # Variables of this shell take precedence.
        os.environ.update({**filled, **{name: value for name, value in given.items() if value}})
        for file in os.environ.keys() - filled.keys():
            del os.environ[file]
        return read_settings()


def _away() -> "Addresses":
    from neo.engines.addresses import Addresses  # noqa: PLC0415

    return Addresses(
        redis_url=f"redis://{AWAY}",
        temporal_address=AWAY,
        local_model_url=f"http://{AWAY}",
        scripted_model_url=f"http://{AWAY}",
    )
