import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import psutil  # type: ignore[import-untyped, unused-ignore]

from engines.serving_apart import Serve, gone, process
from neo.engines.data_folder.layout import read_running


async def test_a_killed_serve_leaves_nothing_and_the_next_one_starts(serve: Serve, data_dir: Path) -> None:
    first = await serve()
    assert first.errors == ""
    assert first.said["api_key"].startswith("neo_sk_local_")
    assert (data_dir / "key").read_text().strip() == first.said["api_key"]
    assert (data_dir / "key").stat().st_mode & 0o077 == 0
    record = read_running(data_dir)
    assert record is not None
    assert record.serve.pid == first.said["pids"]["serve"]
    children = first.children + backends(first.said["pids"]["postgres"])

    await first.stop(signal.SIGKILL)
    if sys.platform == "linux":
        # Elsewhere there is no death signal, and the next start ends what is left.
        assert await gone(children, seconds=5) == []
    second = await serve()

    assert await gone(children, seconds=0) == []
    assert second.said["tenant_id"] == first.said["tenant_id"]
    assert second.said["api_key"] is None

    children = second.children + backends(second.said["pids"]["postgres"])
    assert await second.stop(signal.SIGINT) == 0
    assert await gone(children, seconds=0) == []
    assert read_running(data_dir) is None


async def test_a_killed_server_comes_back_and_a_second_serve_is_refused(serve: Serve, data_dir: Path) -> None:
    first = await serve()

    assert first.errors == ""
    refused = await serve()

    assert f"Port {first.said['url'].rsplit(':')[-1]} on 127.0.0.1 is taken" in refused.errors
    assert "Traceback" not in refused.errors
    assert refused.process.returncode == 1
    os.kill(first.said["pids"]["server"], signal.SIGKILL)
    assert await comes_back(data_dir, but=first.said["pids"]["server"])


def backends(postmaster: int) -> list[psutil.Process]:
    return list(process(postmaster).children(recursive=True))


async def comes_back(data_dir: Path, *, but: int) -> bool:
    async with asyncio.timeout(10):
        while True:
            record = read_running(data_dir)
            port = int(record.addresses.url.rsplit(":")[-1]) if record else 0
            if record and record.addresses.pids.get("server", but) != but and listens(port):
                return True
            await asyncio.sleep(0.05)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
