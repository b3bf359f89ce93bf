"""`neo serve` on a folder of its own, with the scripted model and without the bounds that are for strangers."""

import asyncio
import json
import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from types import MappingProxyType

from bench.http_connection import HttpConnection, request, value_of
from bench.parts import Parts

from neo.engines.ports import free_port

# A benchmark is one tenant that does what a thousand would; its bounds would be what is measured.
SETTINGS = {
    "NEO_MODEL_FAST": "scripted:tokens=50",
    "NEO_RATE_LIMIT_REQUESTS": "0",
    "NEO_FAILED_ATTEMPTS": "0",
    "NEO_TAILS_PER_PROCESS": "0",
    "NEO_TAILS_PER_TENANT": "0",
    "NEO_TAILS_PER_SESSION": "0",
    "NEO_TURN_QUEUE_TENANT_MAX": "0",
    "NEO_TAILS_PER_TOKEN": "0",
}
UP = re.compile(r"^ +(.+?) +up after +([\d.]+) s")
TWICE = ("api", "worker")


@dataclass
class Neo:
    """A running server. `up_seconds` says when each part was up, as `neo serve` told it."""

    data: Path
    port: int
    process: asyncio.subprocess.Process
    api_key: str = ""
    healthy_seconds: float = 0.0
    up_seconds: dict[str, float] = field(default_factory=dict)
    pids: dict[str, int] = field(default_factory=dict)

    @property
    def parts(self) -> Parts:
        # API and worker are one process, which is told under three names.
        return Parts({part: pid for part, pid in self.pids.items() if part not in TWICE})

    @property
    def addresses(self) -> dict[str, str]:
        return dict(json.loads((self.data / "running.json").read_text())["addresses"])

    @property
    def key_header(self) -> str:
        return f"Authorization: Bearer {self.api_key}"

    async def ask(self, path: str, body: Mapping[str, object]) -> bytes:
        connection = await HttpConnection.open(self.port)
        answer = await connection.ask(request("POST", path, self.key_header, body=json.dumps(body).encode()))
        connection.close()
        return answer

    async def agent(self, model: str) -> int:
        """An agent with this scenario of the scripted model."""
        body = {"autonomy_type": "CONVERSATIONAL", "name": model, "model": f"scripted:{model}"}
        return int(value_of(await self.ask("/public-api/agents", body), "id"))

    async def stop(self) -> None:
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        await self.process.wait()


@asynccontextmanager
async def neo_running(data: Path | None = None) -> AsyncIterator[Neo]:
    """On a fresh folder, or on one that was used before."""
    if data is not None:
        neo = await started(data)
        try:
            yield neo
        finally:
            await neo.stop()
        return
    with fresh_folder() as fresh:
        async with neo_running(fresh) as neo:
            yield neo


@contextmanager
def fresh_folder() -> Iterator[Path]:
    """A data folder that nobody has used yet; deleted at the end."""
    with tempfile.TemporaryDirectory(prefix="neo-bench-") as folder:
        data = Path(folder) / "data"
        try:
            yield data
        finally:
            # Root's PostgreSQL lives outside of the data folder.
            shutil.rmtree(Path("/var/lib/neo") / (data / "instance").read_text().strip(), ignore_errors=True)


async def started(
    data: Path, *, python: str = sys.executable, environment: Mapping[str, str] = MappingProxyType({})
) -> Neo:
    """`neo serve` of this checkout, or of the one that another interpreter has."""
    port, began = free_port(), perf_counter()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("NEO_")}
    process = await asyncio.create_subprocess_exec(
        *(python, "-m", "neo", "serve", "--port", str(port), "--data", str(data), "--json"),
        env={**clean, **SETTINGS, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    neo = Neo(data, port, process)
    reading = asyncio.create_task(_read_progress(process.stderr, neo))
    line = await process.stdout.readline()
    neo.healthy_seconds = perf_counter() - began
    if not line:
        await reading
        raise SystemExit("neo serve did not become healthy; what it said is above.")
    told = json.loads(line)
    neo.api_key = told["api_key"] or (data / "key").read_text().strip()
    neo.pids = told["pids"]
    return neo


async def _read_progress(said: asyncio.StreamReader, neo: Neo) -> None:
    while line := (await said.readline()).decode():
        if found := UP.match(line):
            neo.up_seconds[found[1]] = float(found[2])
        elif not neo.pids:
            print(line, end="", file=sys.stderr)
