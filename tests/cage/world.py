"""What a probe is let loose on: sockets that listen, a secret file, and a process that stands for the server."""

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from neo.cage import Bounds, Cage, enter
from neo.cage.system_calls import call_filter

HERE = Path(__file__).parent
PROBE, AS_NOBODY = HERE / "probe.py", HERE / "as_nobody.py"
NOBODY, VARIABLE = 65_534, "NEO_PROBED"
BOUNDS = Bounds(memory_bytes=1024**3, processor_seconds=20, wall_seconds=60, output_bytes=64 * 1024)
Said = dict[str, str]
needs_root = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="Only root on Linux can try this as others."
)


@dataclass(frozen=True)
class World:
    targets: dict[str, Any]
    is_nobodys: bool

    async def probed(self, layers: Collection[str] | None) -> Said:
        """What each try gave, by its name: nothing where it succeeded. Without layers there is no cage."""
        data = json.dumps(self.targets).encode()
        if layers is not None and not self.is_nobodys:
            ended = await Cage(layers=layers).run(PROBE, data, BOUNDS)
            assert ended.code == 0, ended.err
            return dict(json.loads(ended.out))
        return await self._by_ourselves(data, layers)

    async def _by_ourselves(self, data: bytes, layers: Collection[str] | None) -> Said:
        ordered = None if layers is None else orders(layers)
        caged_argv = (str(AS_NOBODY), str(enter.__file__), str(PROBE), json.dumps(ordered))
        running = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            *(caged_argv if self.is_nobodys else (str(PROBE),)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={} if ordered else {VARIABLE: "secret"},
            close_fds=ordered is not None,
        )
        out, err = await running.communicate(data)
        assert running.returncode == 0, err
        return dict(json.loads(out))


def orders(layers: Collection[str]) -> dict[str, Any]:
    return {
        "layers": list(layers),
        "filter": call_filter().hex(),
        "parent": os.getpid(),
        "memory_bytes": BOUNDS.memory_bytes,
        "processor_seconds": BOUNDS.processor_seconds,
    }


@contextmanager
def world(*, is_nobodys: bool) -> Iterator[World]:
    uid = NOBODY if is_nobodys else 0
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp())
        stack.callback(shutil.rmtree, folder)
        folder.chmod(0o755)
        secret = folder / "secret"
        secret.write_text("secret")
        secret.chmod(0o600)
        os.chown(secret, uid, uid)
        four = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        port = four.getsockname()[1]
        stack.enter_context(socket.create_server(("::1", port), family=socket.AF_INET6))
        abstract = f"\0neo-{folder.name}"
        for address in (str(folder / "socket"), abstract):
            unix = stack.enter_context(socket.socket(socket.AF_UNIX))
            unix.bind(address)
            unix.listen(8)
        (folder / "socket").chmod(0o777)
        os.set_inheritable(four.fileno(), True)
        targets = {
            "name": f"{folder.name}-new",
            "port": port,
            "socket": str(folder / "socket"),
            "abstract": abstract,
            "secret": str(secret),
            "descriptor": four.fileno(),
            "variable": VARIABLE,
            "server": _server(stack, uid),
        }
        yield World(targets, is_nobodys)


def _server(stack: ExitStack, uid: int) -> int:
    server = subprocess.Popen(
        ["/bin/sleep", "600"], env={"SECRET": "secret"}, user=uid, group=uid, extra_groups=[]
    )
    stack.callback(server.wait)
    stack.callback(server.kill)
    return server.pid
