"""Everything that a Neo in a cluster has, on this machine, with each process in a test's hands."""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
from temporalio.client import Client as Temporal

from cli.neo_command import neo
from faults.points import Points
from faults.proxy import Proxy
from faults.running import READY_SECONDS, Running
from neo.db import Database
from neo.engines.addresses import Addresses
from neo.engines.postgres.home import discard_home
from neo.engines.processes.child import Command
from neo.engines.processes.probe import http_answer, until
from neo.engines.processes.supervise import Part
from neo.engines.server import READY_PATH
from neo.engines.stack import Plan, planned
from neo.streams import Valkey
from support.forked import Forked, neo_in
from support.ports import free_port

SECRET = "a secret key of at least thirty-two characters"
MODEL = "scripted:tokens=5"
ENGINES = ("postgres", "valkey", "temporal", "scripted", "scripted-mcp")
DRAIN_SECONDS = 3.0
IDLE_SECONDS = 3.0
KEEP_ALIVE_SECONDS = 1.0
SEND_SECONDS = 2.0
# A worker that was killed takes its time to come back, and the next test need not wait for it.
WORKERS_READY = 2


APART = "apart"
BESIDE = "beside"


@dataclass
class Processes:
    """What answers requests, and what drives turns: the same processes, or others."""

    apis: list[Running]
    workers: list[Running]

    @property
    def all(self) -> list[Running]:
        return list(dict.fromkeys([*self.apis, *self.workers]))


@dataclass
class Stack:
    """Engines of their own, and Neo on them in one of two shapes.

    APART: two APIs and three workers, of which the second of each reaches its engines over proxies. BESIDE: two APIs
    that drive turns too, at the same addresses.
    """

    plan: Plan
    engines: dict[str, Running]
    # Of the second API and of the second worker, by engine.
    api_lines: dict[str, Proxy]
    worker_lines: dict[str, Proxy]
    points: Points
    folder: Path
    environment: dict[str, str]
    database: Database
    owner: Database
    valkey: Valkey
    api_ports: list[int]
    shapes: dict[str, Processes]
    shape: str = APART

    @property
    def apis(self) -> list[Running]:
        return self.shapes[self.shape].apis

    @property
    def workers(self) -> list[Running]:
        return self.shapes[self.shape].workers

    @property
    def addresses(self) -> Addresses:
        return self.plan.addresses

    @property
    def urls(self) -> list[str]:
        return [f"http://127.0.0.1:{port}" for port in self.api_ports]

    @property
    def processes(self) -> list[Running]:
        return self.shapes[self.shape].all

    async def become(self, shape: str) -> None:
        """Run the processes of this shape, in place of the other one's."""
        if shape != self.shape:
            await asyncio.gather(*(process.stop() for process in self.processes))
            self.shape = shape

    @property
    def blobs(self) -> Path:
        return self.folder / "blobs"

    async def whole(self) -> None:
        """Bring back what a test has broken; of the workers one may still be on its way."""
        await self.healed()
        for process in self.processes:
            process.start_soon()
        await asyncio.gather(*(api.start() for api in self.apis), self._until_working(WORKERS_READY))
        await asyncio.gather(*(_ready(port) for port in self.api_ports))

    async def healed(self) -> None:
        """Engines that answer, lines that hold, and a worker: enough for every turn to end."""
        self.points.clear()
        for line in (*self.api_lines.values(), *self.worker_lines.values()):
            line.mend()
        for one in (*self.engines.values(), *self.processes):
            one.thaw()
        for engine in self.engines.values():
            await engine.start()
        for process in self.processes:
            process.start_soon()
        await self._until_working(1)

    async def _until_working(self, wanted: int) -> None:
        async with asyncio.timeout(READY_SECONDS):
            while sum(worker.is_ready for worker in self.workers) < wanted:
                await asyncio.sleep(0.02)

    def log(self, process: Running) -> str:
        return self.log_of(process).read_text()

    def log_of(self, process: Running) -> Path:
        return self.folder / f"{process.name}.log"

    async def driver_of(self, turn_id: str) -> Running:
        """The process that has claimed the turn last, by its log, if it is up."""
        async with asyncio.timeout(40):
            while True:
                claims = [claim for worker in self.workers for claim in self._claims(worker, turn_id)]
                newest = max(claims, key=lambda claim: claim.at, default=None)
                if newest is not None and newest.process.is_up:
                    return newest.process
                await asyncio.sleep(0.02)

    def claims_of(self, turn_id: str) -> list[tuple[int, int]]:
        """Each claim of the turn that was driven, oldest first, as segment and claim."""
        claims = [claim for worker in self.workers for claim in self._claims(worker, turn_id)]
        return [claim.token for claim in sorted(claims, key=lambda claim: claim.at)]

    def _claims(self, worker: Running, turn_id: str) -> list["Claimed"]:
        lines = self.log(worker).splitlines() if self.log_of(worker).exists() else []
        found = [json.loads(line) for line in lines if '"turn_claimed"' in line and turn_id in line]
        return [Claimed(one["timestamp"], worker, (one["segment"], one["claim"])) for one in found]

    async def workflows_open(self) -> set[str]:
        """The ids of the workflows that Temporal says are running."""
        temporal = await Temporal.connect(self.addresses.temporal_address)
        return {found.id async for found in temporal.list_workflows("ExecutionStatus = 'Running'")}

    async def calls(self) -> list[dict[str, Any]]:
        """What the model server was asked, oldest first."""
        async with self.scripted() as http:
            return list((await http.get("/control/calls")).json()["calls"])

    @asynccontextmanager
    async def scripted(self) -> AsyncIterator[httpx2.AsyncClient]:
        url = self.addresses.scripted_model_url.removesuffix("/v1")
        async with httpx2.AsyncClient(base_url=url, timeout=10, trust_env=False, verify=False) as http:
            yield http

    def another_api(self, name: str, **environment: str) -> tuple[Running, int]:
        """One more API, not started yet, with settings of its own."""
        port = free_port()
        return _api(self.folder, name, port, {**self.environment, **environment}), port

    def another_worker(self, name: str, **environment: str) -> Running:
        """One more worker, likewise."""
        return _worker(self.folder, name, {**self.environment, **environment})


@dataclass(frozen=True)
class Claimed:
    at: str
    process: Running
    token: tuple[int, int]


@asynccontextmanager
async def stack_up(folder: Path) -> AsyncIterator[Stack]:
    with planned(folder / "data", ENGINES) as plan:
        engines = {part.name: Running(part) for part in plan.parts}
        lines: list[Lines] = []
        try:
            await asyncio.gather(*(engine.start() for engine in engines.values()))
            lines = [await Lines.open(name, plan.addresses) for name in ("api", "worker")]
            stack = _built(plan, engines, lines, folder)
            await _migrate(stack)
            try:
                yield stack
            finally:
                every = [process for shape in stack.shapes.values() for process in shape.all]
                await asyncio.gather(*(process.stop() for process in every))
                await stack.database.aclose()
                await stack.owner.aclose()
                await stack.valkey.aclose()
        finally:
            for one in lines:
                await one.aclose()
            await asyncio.gather(*(engine.stop() for engine in engines.values()))
            discard_home(plan.folder)


def _built(plan: Plan, engines: dict[str, Running], lines: "list[Lines]", folder: Path) -> Stack:
    points = Points(folder / "points")
    environment = _environment(plan.addresses, folder, points)
    of_api, of_worker = lines
    ports = [free_port(), free_port()]
    return Stack(
        plan,
        engines,
        of_api.proxies,
        of_worker.proxies,
        points,
        folder,
        environment,
        Database(plan.addresses.database_url, connections_max=5),
        Database(plan.addresses.database_owner_url, connections_max=5),
        Valkey(plan.addresses.redis_url),
        ports,
        {APART: _apart(folder, ports, environment, lines), BESIDE: _beside(folder, ports, environment)},
    )


def _apart(folder: Path, ports: list[int], environment: dict[str, str], lines: "list[Lines]") -> Processes:
    of_api, of_worker = lines
    return Processes(
        [
            _api(folder, "api-1", ports[0], environment),
            _api(folder, "api-2", ports[1], {**environment, **of_api.environment}),
        ],
        [
            _worker(folder, "worker-1", environment),
            _worker(folder, "worker-2", {**environment, **of_worker.environment}),
            _worker(folder, "worker-3", environment),
        ],
    )


def _beside(folder: Path, ports: list[int], environment: dict[str, str]) -> Processes:
    both = [
        _api(folder, f"both-{number}", port, environment, "--with-worker")
        for number, port in enumerate(ports, start=1)
    ]
    return Processes(both, both)


def _environment(addresses: Addresses, folder: Path, points: Points) -> dict[str, str]:
    (folder / "blobs").mkdir()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("NEO_")}
    return {
        **clean,
        "NEO_DATABASE_URL": addresses.database_url,
        "NEO_REDIS_URL": addresses.redis_url,
        "NEO_TEMPORAL_ADDRESS": addresses.temporal_address,
        "NEO_SCRIPTED_MODEL_URL": addresses.scripted_model_url,
        "NEO_MODEL_FAST": MODEL,
        "NEO_MODEL_IDLE_SECONDS": str(IDLE_SECONDS),
        # Here providers fail on purpose, one after the other.
        "NEO_MODEL_BREAKER_FAILURES": "0",
        "NEO_SECRET_KEY": SECRET,
        "NEO_RATE_LIMIT_REQUESTS": "0",
        "NEO_FAILED_ATTEMPTS": "0",
        "NEO_TAILS_PER_PROCESS": "0",
        "NEO_TAILS_PER_TENANT": "0",
        "NEO_TAILS_PER_SESSION": "0",
        "NEO_TURN_QUEUE_TENANT_MAX": "0",
        "NEO_TAIL_KEEP_ALIVE_SECONDS": str(KEEP_ALIVE_SECONDS),
        "NEO_TAIL_SEND_SECONDS": str(SEND_SECONDS),
        "NEO_DRAIN_SECONDS": str(DRAIN_SECONDS),
        "NEO_BLOB_URL": (folder / "blobs").as_uri(),
        "NEO_EGRESS_PRIVATE": urlsplit(addresses.scripted_mcp_url).netloc,
        "NEO_FAILPOINTS": str(points.folder),
        "NEO_LOG_FORMAT": "json",
    }


@dataclass
class Lines:
    """A proxy to each engine, and the settings that lead over them."""

    proxies: dict[str, Proxy]
    environment: dict[str, str]
    folder: Path

    @classmethod
    async def open(cls, name: str, addresses: Addresses) -> "Lines":
        # A socket's path is bounded, and pytest's folders are deep.
        folder = Path(f"/tmp/neo-lines-{os.getpid()}-{name}")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        home = parse_qs(urlsplit(addresses.database_url).query)["host"][0]
        proxies = {
            "postgres": Proxy(f"{home}/.s.PGSQL.5432"),
            "valkey": Proxy(urlsplit(addresses.redis_url).path),
            "temporal": Proxy(addresses.temporal_address),
        }
        await proxies["postgres"].listen(folder / ".s.PGSQL.5432")
        await proxies["valkey"].listen(folder / "valkey")
        port = await proxies["temporal"].listen_on_port()
        environment = {
            "NEO_DATABASE_URL": f"{addresses.database_url.partition('?')[0]}?host={folder}",
            "NEO_REDIS_URL": f"unix://{folder}/valkey?db=0",
            "NEO_TEMPORAL_ADDRESS": f"127.0.0.1:{port}",
        }
        return cls(proxies, environment, folder)

    async def aclose(self) -> None:
        for proxy in self.proxies.values():
            await proxy.aclose()
        shutil.rmtree(self.folder, ignore_errors=True)


async def _migrate(stack: Stack) -> None:
    ended = await neo(
        "migrate", **stack.environment, NEO_DATABASE_OWNER_URL=stack.plan.addresses.database_owner_url
    )
    assert ended.code == 0, ended.stderr


def _api(folder: Path, name: str, port: int, environment: Mapping[str, str], *more: str) -> Running:
    return _neo(folder, name, ("api", "--port", str(port), *more), environment, lambda: _ready(port))


def _worker(folder: Path, name: str, environment: Mapping[str, str]) -> Running:
    log = folder / f"{name}.log"

    async def ready() -> None:
        # The log goes on over a restart: the last start counts.
        while '"worker_up"' not in _since_start(log):
            await asyncio.sleep(0.05)

    return _neo(folder, name, ("worker",), environment, ready)


def _neo(
    folder: Path,
    name: str,
    words: tuple[str, ...],
    environment: Mapping[str, str],
    ready: Callable[[], Coroutine[Any, Any, None]],
) -> Running:
    command = neo_in(folder / f"{name}.log", environment, *words)

    async def prepare() -> Command:
        with command.log.open("a") as log:
            log.write(START)
        return command

    return Running(Part(name=name, prepare=prepare, ready=ready), Forked)


START = "--- started\n"


def _since_start(log: Path) -> str:
    return log.read_text().rpartition(START)[2] if log.exists() else ""


async def _ready(port: int) -> None:
    async with asyncio.timeout(READY_SECONDS):
        await until(lambda: _is_ready(port))


async def _is_ready(port: int) -> bool:
    return b'"status":"ready"' in await http_answer("127.0.0.1", port, READY_PATH)
