import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import asyncpg
import pytest

from engines.serving_apart import connect
from neo.engines.errors import EngineDidNotStart
from neo.engines.processes.child import Command
from neo.engines.processes.probe import until
from neo.engines.processes.supervise import Part, Watcher, supervised
from neo.engines.stack import engines_up


async def test_a_killed_engine_is_started_again(data_dir: Path) -> None:
    async with engines_up(data_dir, parts=("postgres", "valkey")) as addresses:
        before = dict(addresses.pids)
        for pid in before.values():
            os.kill(pid, signal.SIGKILL)
        async with asyncio.timeout(15):
            await until(lambda: all_are_new(addresses.pids, before))
            await until_connected(addresses.database_url)


async def test_a_part_that_cannot_start_is_named_with_its_last_lines(tmp_path: Path) -> None:
    script = "import sys; sys.exit('no such disk')"

    async with supervised([part("broken", script, tmp_path)], Watcher()) as supervisor:
        with pytest.raises(
            EngineDidNotStart, match=r"broken does not start: it exited with status 1"
        ) as refusal:
            await supervisor.up("broken")

    assert "no such disk" in refusal.value.message


async def test_parts_stop_in_the_reverse_of_their_order(tmp_path: Path) -> None:
    script = f"import signal, sys, time\n{ON_TERM}\nprint('up', flush=True)\ntime.sleep(60)"
    parts = [part(name, script.replace("NAME", name), tmp_path) for name in ("first", "second")]

    async with supervised(parts, Watcher()) as supervisor:
        for one in parts:
            await supervisor.up(one.name)

    first, second = (
        float((tmp_path / f"{name}.log").read_text().split()[-1]) for name in ("first", "second")
    )
    assert second < first


async def test_an_urgent_stop_does_not_wait_for_the_stubborn(tmp_path: Path) -> None:
    script = "import signal, time\nsignal.signal(15, signal.SIG_IGN)\nprint('up', flush=True)\ntime.sleep(60)"

    stop_now = asyncio.Event()

    async with (
        asyncio.timeout(10),
        supervised([part("stubborn", script, tmp_path)], Watcher(), stop_now) as supervisor,
    ):
        await supervisor.up("stubborn")
        asyncio.get_running_loop().call_later(0.2, stop_now.set)


ON_TERM = "signal.signal(15, lambda *_: (print(time.monotonic(), flush=True), time.sleep(0.05), sys.exit()))"


def part(name: str, script: str, folder: Path) -> Part:
    log = folder / f"{name}.log"
    command = Command(
        argv=(sys.executable, "-c", script),
        env={},
        log=log,
        stop_signal=signal.SIGTERM,
        death_signal=signal.SIGKILL,
        stop_seconds=30.0,
    )

    async def prepare() -> Command:
        return command

    async def says_up() -> bool:
        return "up" in (log.read_text() if log.exists() else "")

    async def ready() -> None:
        await until(says_up)

    return Part(name=name, prepare=prepare, ready=ready)


async def all_are_new(now: Mapping[str, int], before: Mapping[str, int]) -> bool:
    return set(now) == set(before) and not now.items() & before.items()


async def until_connected(url: str) -> None:
    while True:
        try:
            connection = await connect(url)
        except (OSError, asyncpg.PostgresError):
            await asyncio.sleep(0.05)
        else:
            return await connection.close()
