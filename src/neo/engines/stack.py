"""Plans which engines a data folder needs, and brings them up without a server.

async with engines_up(Path(".neo"), models="local") as addresses:
    ...
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from neo.engines.addresses import Addresses
from neo.engines.data_folder.layout import DataFolder, locked
from neo.engines.data_folder.running import Mark, Running, last_record, mark_of, write_record
from neo.engines.data_folder.sockets import socket_folder
from neo.engines.errors import EngineNotInstalled
from neo.engines.installed import not_installed
from neo.engines.local_model import installed_weights
from neo.engines.model_parts import local_model_part, scripted_mcp_part, scripted_model_part
from neo.engines.ports import LOOPBACK, choose_port
from neo.engines.postgres.binaries import installed_programs
from neo.engines.postgres.cluster import APP, OWNER
from neo.engines.postgres.home import open_home
from neo.engines.postgres.part import database_url, postgres_part
from neo.engines.processes.supervise import Part, Supervisor, Watcher, supervised
from neo.engines.processes.survivors import end_survivors
from neo.engines.temporal import installed_temporal, temporal_part
from neo.engines.valkey import installed_valkey, redis_url, valkey_part

Engine = Literal["postgres", "valkey", "temporal", "model", "scripted", "scripted-mcp"]
Planned = tuple[Part, Addresses]
Models = Literal["none", "local", "scripted"]
ENGINES: tuple[Engine, ...] = ("postgres", "valkey", "temporal")
MODEL_ENGINES: Mapping[Models, tuple[Engine, ...]] = {
    "none": (),
    "local": ("model",),
    "scripted": ("scripted",),
}
# The order of starting; the stop goes backwards, so that PostgreSQL is there to the last.
ORDER: tuple[Engine, ...] = ("postgres", "scripted", "scripted-mcp", "model", "valkey", "temporal")
# Each raises when its engine's package is not there. The scripted model is Neo's own.
INSTALLED: Mapping[Engine, Callable[[], Path]] = {
    "postgres": installed_programs,
    "model": installed_weights,
    "valkey": installed_valkey,
    "temporal": installed_temporal,
}


@dataclass(frozen=True)
class Plan:
    """The parts to run and where they will answer, chosen before any of them is up."""

    folder: DataFolder
    parts: tuple[Part, ...]
    addresses: Addresses


@contextlib.asynccontextmanager
async def engines_up(
    data_dir: Path,
    models: Models = "none",
    parts: Collection[str] = ENGINES,
    *,
    watcher: Watcher | None = None,
) -> AsyncIterator[Addresses]:
    """Run the engines, or only those named, on a data folder for the length of the block."""
    with planned(data_dir, {*parts, *MODEL_ENGINES[models]}) as plan:
        async with running(plan, watcher=watcher) as supervisor:
            for part in plan.parts:
                await supervisor.up(part.name)
            yield replace(plan.addresses, pids=supervisor.pids)


@contextlib.contextmanager
def planned(data_dir: Path, engines: Collection[str]) -> Iterator[Plan]:
    """Lock the data folder, end what a killed parent left running there, and choose all addresses."""
    _refuse_missing(engines)
    with locked(data_dir) as folder:
        end_survivors(folder.path)
        yield _plan(folder, engines)


@contextlib.asynccontextmanager
async def running(
    plan: Plan, *, watcher: Watcher | None = None, stop_now: asyncio.Event | None = None
) -> AsyncIterator[Supervisor]:
    """Run a plan's parts and keep their record up to date. Once `stop_now` is set, the stop waits for no part."""
    watcher = watcher or Watcher()
    given_changed = watcher.changed
    serve = mark_of(os.getpid())

    def changed(marks: Mapping[str, Mark]) -> None:
        if serve is not None:
            write_record(plan.folder.path, Running(serve, marks, plan.addresses))
        given_changed(marks)

    changed({})
    async with supervised(plan.parts, replace(watcher, changed=changed), stop_now) as supervisor:
        yield supervisor


def _plan(folder: DataFolder, engines: Collection[str]) -> Plan:
    before = last_record(folder.path)
    known = before.addresses if before else Addresses()
    parts: list[Part] = []
    addresses = Addresses()
    for engine in ORDER:
        if engine in engines:
            part, addresses = _PLANNERS[engine](folder, known, addresses)
            parts.append(part)
    return Plan(folder, tuple(parts), addresses)


def _refuse_missing(engines: Collection[str]) -> None:
    """Say all that is missing at once, before there is a data folder."""
    missing = [engine for engine, find in INSTALLED.items() if engine in engines and not _is_found(find)]
    if missing:
        raise not_installed(missing)


def _is_found(find: Callable[[], Path]) -> bool:
    try:
        find()
    except EngineNotInstalled:
        return False
    return True


def _plan_postgres(folder: DataFolder, _known: Addresses, so_far: Addresses) -> Planned:
    home = open_home(folder)
    urls = replace(
        so_far,
        database_url=database_url(home, APP),
        database_owner_url=database_url(home, OWNER),
    )
    return postgres_part(folder, home), urls


def _plan_valkey(folder: DataFolder, _known: Addresses, so_far: Addresses) -> Planned:
    sockets = socket_folder(folder.instance)
    return valkey_part(folder, sockets), replace(so_far, redis_url=redis_url(sockets))


def _plan_temporal(folder: DataFolder, known: Addresses, so_far: Addresses) -> Planned:
    port = _port(known.temporal_address, so_far)
    return temporal_part(folder, port), replace(so_far, temporal_address=f"{LOOPBACK}:{port}")


def _plan_model(folder: DataFolder, known: Addresses, so_far: Addresses) -> Planned:
    port = _port(known.local_model_url, so_far)
    return local_model_part(folder, port), replace(so_far, local_model_url=f"http://{LOOPBACK}:{port}/v1")


def _plan_scripted(folder: DataFolder, known: Addresses, so_far: Addresses) -> Planned:
    port = _port(known.scripted_model_url, so_far)
    return scripted_model_part(folder, port), replace(
        so_far, scripted_model_url=f"http://{LOOPBACK}:{port}/v1"
    )


def _plan_scripted_mcp(folder: DataFolder, known: Addresses, so_far: Addresses) -> Planned:
    port = _port(known.scripted_mcp_url, so_far)
    return scripted_mcp_part(folder, port), replace(so_far, scripted_mcp_url=f"http://{LOOPBACK}:{port}/mcp")


def _port(known: str, so_far: Addresses) -> int:
    """The port of the last run, which clients may remember, when it is free."""
    taken = (
        so_far.temporal_address,
        so_far.local_model_url,
        so_far.scripted_model_url,
        so_far.scripted_mcp_url,
    )
    return choose_port(_port_of(known), but={port for address in taken if (port := _port_of(address))})


def _port_of(address: str) -> int | None:
    return urlsplit(address if "//" in address else f"//{address}").port


_PLANNERS: Mapping[Engine, Callable[[DataFolder, Addresses, Addresses], Planned]] = {
    "postgres": _plan_postgres,
    "valkey": _plan_valkey,
    "temporal": _plan_temporal,
    "model": _plan_model,
    "scripted": _plan_scripted,
    "scripted-mcp": _plan_scripted_mcp,
}
