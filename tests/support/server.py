"""`neo serve` as a process of its own, on a data folder of its own, with the scripted model."""

import asyncio
import json
import os
import shutil
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neo.engines.addresses import Addresses
from neo.engines.data_folder.running import read_running
from support.ports import free_port

HEALTHY_SECONDS = 100
STOP_SECONDS = 30
QUICK_MODEL = "scripted:tokens=5"


@dataclass
class Server:
    """A running `neo serve`; `environment` adds to its settings."""

    data: Path
    environment: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    metrics_port: int = field(default_factory=free_port)
    told: dict[str, Any] = field(default_factory=dict)
    process: asyncio.subprocess.Process | None = None
    api_key: str = ""
    has_scripted_mcp: bool = False
    # Of a server that runs elsewhere: only its public API can be had.
    given_url: str = ""

    @property
    def url(self) -> str:
        return self.given_url or f"http://127.0.0.1:{self.port}"

    @property
    def tenant_id(self) -> str:
        return str(self.told["tenant_id"])

    @property
    def pids(self) -> dict[str, int]:
        return dict(self.told["pids"])

    @property
    def addresses(self) -> Addresses:
        running = read_running(self.data)
        assert running is not None
        return running.addresses

    @property
    def settings(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("NEO_")}
        ours = {
            "NEO_MODEL_FAST": QUICK_MODEL,
            "NEO_RATE_LIMIT_REQUESTS": "0",
            "NEO_FAILED_ATTEMPTS": "0",
            # Longer than the tests' clients keep a connection, and no longer than a test can wait for.
            "NEO_KEEP_ALIVE_SECONDS": "8",
            # One test's failing provider must not keep the next one's waiting.
            "NEO_MODEL_BREAKER_FAILURES": "0",
            "NEO_LOG_FORMAT": "json",
            "NEO_METRICS_PORT": str(self.metrics_port),
        }
        return {**clean, **ours, **self.environment}

    async def start(self) -> "Server":
        with self._log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(
                    sys.executable,
                    "-m",
                    "neo",
                    "serve",
                    "--port",
                    str(self.port),
                    "--data",
                    str(self.data),
                    "--json",
                    *(("--scripted-mcp",) if self.has_scripted_mcp else ()),
                ),
                env=self.settings,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), HEALTHY_SECONDS)
        assert line, f"neo serve did not become healthy: {self.log()}"
        self.told = json.loads(line)
        self.api_key = self.told["api_key"] or self.api_key
        return self

    async def stop(self) -> int:
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        return await asyncio.wait_for(self.process.wait(), STOP_SECONDS)

    async def kill(self) -> None:
        """`kill -9` of everything, as a power cut would."""
        assert self.process is not None
        for pid in {self.process.pid, *self.pids.values()}:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        await self.process.wait()

    def log(self) -> str:
        """The end of what `neo serve` and its server said."""
        parts = [self._log, self.data / "logs" / "server.log"]
        return "\n".join(part.read_text()[-5000:] for part in parts if part.exists())

    @property
    def _log(self) -> Path:
        return self.data.parent / f"serve-{self.port}.log"

    def remove(self) -> None:
        """What root's PostgreSQL keeps outside of the data folder."""
        instance = (self.data / "instance").read_text().strip()
        shutil.rmtree(Path("/var/lib/neo") / instance, ignore_errors=True)
