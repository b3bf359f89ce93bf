"""The same Neo in three shapes, on engines of one data folder: started one after the other, with users on each API."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.http_connection import HttpConnection, RefusedError, request
from bench.neo import SETTINGS, Neo, fresh_folder

from neo.engines.ports import free_port

SECRET = "a secret of the benchmark with more than thirty-two characters"
UP_SECONDS = 60.0


@dataclass(frozen=True)
class Shape:
    name: str
    apis: int
    has_worker: bool
    workers: int = 0


SHAPES = (
    # What `neo serve` runs beside its engines.
    Shape("one process", 1, has_worker=True),
    Shape("2 api --with-worker", 2, has_worker=True),
    Shape("2 api + 2 worker", 2, has_worker=False, workers=2),
)


@dataclass(frozen=True)
class Engines:
    folder: Path
    addresses: Mapping[str, str]
    environment: Mapping[str, str]
    api_key: str


@asynccontextmanager
async def engines_for_shapes() -> AsyncIterator[Engines]:
    with fresh_folder() as folder:
        async with _addresses(folder) as addresses:
            clean = {name: value for name, value in os.environ.items() if not name.startswith("NEO_")}
            environment = {**clean, **SETTINGS, **_settings(addresses)}
            await _run(environment, "migrate")
            tenant = json.loads(await _run(environment, "tenants", "create", "Bench", "--json"))
            key = json.loads(
                await _run(environment, "keys", "create", "--tenant", tenant["tenant_id"], "--json")
            )
            yield Engines(folder, addresses, environment, key["api_key"])


@asynccontextmanager
async def shape_running(engines: Engines, shape: Shape) -> AsyncIterator[list[Neo]]:
    """Its APIs, once all processes are up."""
    ports = [free_port() for _ in range(shape.apis)]
    flags = ("--with-worker",) if shape.has_worker else ()
    apis = [await _start(engines, "api", "--port", str(port), *flags) for port in ports]
    workers = [await _start(engines, "worker") for _ in range(shape.workers)]
    try:
        neos = [
            Neo(engines.folder, port, process, engines.api_key)
            for port, process in zip(ports, apis, strict=True)
        ]
        await asyncio.gather(*(_until_ready(neo) for neo in neos))
        yield neos
    finally:
        await _stop([*apis, *workers])


@asynccontextmanager
async def _addresses(folder: Path) -> AsyncIterator[Mapping[str, str]]:
    """Of engines that run for the length of the block, in a process of their own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.engines", str(folder)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield json.loads(await process.stdout.readline())
    finally:
        process.stdin.close()
        await process.wait()


def _settings(addresses: Mapping[str, str]) -> dict[str, str]:
    return {
        "NEO_DATABASE_URL": addresses["database_url"],
        "NEO_DATABASE_OWNER_URL": addresses["database_owner_url"],
        "NEO_REDIS_URL": addresses["redis_url"],
        "NEO_TEMPORAL_ADDRESS": addresses["temporal_address"],
        "NEO_SCRIPTED_MODEL_URL": addresses["scripted_model_url"],
        "NEO_SECRET_KEY": SECRET,
        "NEO_DRAIN_SECONDS": "3",
    }


async def _run(environment: Mapping[str, str], *words: str) -> bytes:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "neo", *words), env=environment, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    if process.returncode:
        raise SystemExit(f"neo {' '.join(words)} failed; what it said is above.")
    return said


async def _start(engines: Engines, *words: str) -> asyncio.subprocess.Process:
    log = (engines.folder / "shapes.log").open("ab")
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "neo", *words), env=engines.environment, stdout=log, stderr=log
    )


async def _until_ready(neo: Neo) -> None:
    """Until the API says that it accepts messages, and that somebody runs turns."""
    async with asyncio.timeout(UP_SECONDS):
        while True:
            try:
                connection = await HttpConnection.open(neo.port)
                answer = await connection.ask(request("GET", "/public-api/ready", "Accept: application/json"))
                connection.close()
            except (OSError, RefusedError):
                answer = b""
            if answer and b"no process" not in answer:
                return
            await asyncio.sleep(0.1)


async def _stop(processes: Sequence[asyncio.subprocess.Process]) -> None:
    for process in processes:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
    await asyncio.gather(*(process.wait() for process in processes))
