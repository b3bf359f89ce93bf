"""Plans which engines a data folder needs, and brings them up without a server.

    async with engines_up(Path(".neo"), models="local") as addresses:
        ...
"""

import contextlib
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from neo.engines.addresses import Addresses
from neo.engines.data_folder import DataFolder, held
from neo.engines.model_parts import local_model_part, scripted_model_part
from neo.engines.ports import LOOPBACK, choose_port
from neo.engines.postgres import database_url, postgres_part
from neo.engines.postgres_cluster import APP, OWNER
from neo.engines.postgres_home import open_home
from neo.engines.running import Mark, Running, last_record, mark_of, write_record
from neo.engines.sockets import socket_folder
from neo.engines.supervise import Part, Supervisor, Watcher, supervised
from neo.engines.survivors import end_survivors
from neo.engines.temporal import temporal_part
from neo.engines.valkey import redis_url, valkey_part

Engine = Literal["postgres", "valkey", "temporal", "model", "scripted"]
Models = Literal["none", "local", "scripted"]
ENGINES: tuple[Engine, ...] = ("postgres", "valkey", "temporal")
MODEL_ENGINES: Mapping[Models, tuple[Engine, ...]] = {"none": (), "local": ("model",), "scripted": ("scripted",)}
# The order of starting; the stop goes backwards, so that PostgreSQL is there to the last.
ORDER: tuple[Engine, ...] = ("postgres", "scripted", "model", "valkey", "temporal")


@dataclass(frozen=True)
class Plan:
    """The parts to run and where they will answer, settled before any of them is up."""

    folder: DataFolder
    parts: tuple[Part, ...]
    addresses: Addresses


@contextlib.asynccontextmanager
async def engines_up(
    data_dir: Path,
    models: Models = "none",
    parts: Collection[Engine] = ENGINES,
    *,
    watcher: Watcher | None = None,
) -> AsyncIterator[Addresses]:
    """Run the engines on a data folder for the length of the block; only those named, when only some are needed."""
    with planned(data_dir, {*parts, *MODEL_ENGINES[models]}) as plan:
        async with running(plan, watcher=watcher) as supervisor:
            for part in plan.parts:
                await supervisor.up(part.name)
            yield replace(plan.addresses, pids=supervisor.pids)


@contextlib.contextmanager
def planned(data_dir: Path, engines: Collection[Engine]) -> "contextlib._GeneratorContextManager[Plan]":  # type: ignore[misc]
    raise NotImplementedError
