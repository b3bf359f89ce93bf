"""What a peer stands on: Aegra gets a PostgreSQL and a Valkey of its own, as Neo starts them for itself."""

import asyncio
import json
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.peers.peer import Peer


@dataclass(frozen=True)
class Ground:
    environment: Mapping[str, str] = field(default_factory=dict)
    pids: Mapping[str, int] = field(default_factory=dict)


@asynccontextmanager
async def ground_of(peer: Peer) -> AsyncIterator[Ground]:
    if not peer.needs_engines:
        yield Ground()
        return
    with tempfile.TemporaryDirectory(prefix="neo-bench-peer-") as folder:
        data = Path(folder) / "data"
        # A program of its own: uvloop cannot start a child as another user, as PostgreSQL must be for root.
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench.peers.engines", str(data)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        try:
            yield Ground(**json.loads(await process.stdout.readline()))
        finally:
            await process.communicate(b"")
            shutil.rmtree(Path("/var/lib/neo") / (data / "instance").read_text().strip(), ignore_errors=True)
