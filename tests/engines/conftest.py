import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from engines.serving_apart import SERVE, Serve, Served, healthy
from neo.engines.data_folder.layout import DataFolder
from neo.engines.postgres.home import discard_home
from support.ports import free_port


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "data"
    discard(tmp_path / "data")


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
async def serve(data_dir: Path, port: int, tmp_path: Path) -> AsyncIterator[Serve]:
    started: list[Served] = []
    answer = tmp_path / "answers" / "public-api" / "ready"
    answer.parent.mkdir(parents=True)
    answer.write_text('{"data":{"status":"ready"}}')

    async def start(**environment: str) -> Served:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(SERVE),
            *("--data", str(data_dir), "--port", str(port), "--answers", str(tmp_path / "answers")),
            env={**os.environ, **environment},
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
        )
        served = await healthy(process)
        started.append(served)
        return served

    yield start
    for served in started:
        if served.process.returncode is None:
            await served.stop()


def discard(data_dir: Path) -> None:
    instance = data_dir / "instance"
    if instance.exists():
        discard_home(DataFolder(data_dir, instance.read_text().strip()))
