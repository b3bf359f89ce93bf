"""What a caged program may use up, and what becomes of it."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from neo.cage import LAYERS, MINIMUM, Bounds, Cage, CageLacking, Overrun

BOUNDS = Bounds(memory_bytes=1024**3, processor_seconds=1, wall_seconds=20, output_bytes=1000)
SPIN = "while True: pass"
linux = pytest.mark.skipif(
    sys.platform != "linux", reason="Other systems have limits of time and memory only."
)


def program(folder: Path, *lines: str) -> Path:
    path = folder / "program.py"
    body = "\n    ".join(lines)
    path.write_text(f"import sys\n\ndef main():\n    {body}\n    return 0\n")
    return path


async def test_it_answers_from_the_bytes_that_it_is_given(tmp_path: Path) -> None:
    caged = program(tmp_path, "sys.stdout.write(sys.stdin.read().upper())")

    ended = await Cage().run(caged, b"hello", BOUNDS)

    assert (ended.code, ended.out, ended.err) == (0, b"HELLO", b"")


async def test_it_need_not_read(tmp_path: Path) -> None:
    assert (await Cage().run(program(tmp_path, "pass"), b"x" * 10_000_000, BOUNDS)).code == 0


async def test_what_it_raises_is_told(tmp_path: Path) -> None:
    ended = await Cage().run(program(tmp_path, "raise KeyError('why')"), b"", BOUNDS)

    assert ended.code == 1
    assert b"KeyError: 'why'" in ended.err


async def test_processor_time_ends(tmp_path: Path) -> None:
    ended = await Cage().run(program(tmp_path, SPIN), b"", BOUNDS)

    assert -ended.code in (signal.SIGKILL, signal.SIGXCPU)


async def test_time_ends(tmp_path: Path) -> None:
    patient = Bounds(memory_bytes=1024**3, processor_seconds=20, wall_seconds=0.5, output_bytes=1000)

    with pytest.raises(Overrun):
        await Cage().run(program(tmp_path, SPIN), b"", patient)

    assert not [child for child in psutil.Process().children() if "enter.py" in " ".join(child.cmdline())]


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
async def test_what_it_says_ends(tmp_path: Path, stream: str) -> None:
    with pytest.raises(Overrun):
        await Cage().run(program(tmp_path, f"while True: sys.{stream}.write('x' * 1000)"), b"", BOUNDS)


async def test_what_it_says_ends_where_the_loop_is_late(tmp_path: Path) -> None:
    """Its pipes are full by then, and a process counts as ended when its pipes have been read to their end."""
    late = asyncio.ensure_future(_late_loop())
    try:
        with pytest.raises(Overrun, match="too much"):
            await Cage().run(program(tmp_path, "while True: sys.stdout.write('x' * 1000)"), b"", BOUNDS)
    finally:
        late.cancel()


async def _late_loop() -> None:
    while True:
        time.sleep(0.03)  # noqa: ASYNC251 - this is what makes the loop late.
        await asyncio.sleep(0)


@linux
async def test_memory_ends(tmp_path: Path) -> None:
    caged = program(tmp_path, "try: bytearray(2 << 30)", "except MemoryError: return 7")

    assert (await Cage().run(caged, b"", BOUNDS)).code == 7


async def test_it_is_not_run_without_a_layer_that_is_required(tmp_path: Path) -> None:
    lacking = Cage(layers=[one for one in LAYERS if one != "resource limits"], required=["resource limits"])

    with pytest.raises(CageLacking, match="resource limits"):
        await lacking.run(program(tmp_path, "sys.stdout.write('it ran')"), b"", BOUNDS)


@linux
async def test_what_is_lacking_is_said_of_what_is_required() -> None:
    assert await Cage(required=MINIMUM).lacking() == []
    assert await Cage(layers=(), required=MINIMUM).lacking() == list(MINIMUM)


@linux
async def test_it_dies_with_its_parent(tmp_path: Path) -> None:
    path = program(tmp_path, SPIN)
    script = (
        "import asyncio, pathlib; from neo.cage import *;"
        "bounds = Bounds(memory_bytes=1<<30, processor_seconds=60, wall_seconds=60, output_bytes=9);"
        f"asyncio.run(Cage().run(pathlib.Path({str(path)!r}), b'', bounds))"
    )
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", script)
    children: list[psutil.Process] = []
    while not children or children[0].cpu_times().user < 0.2:
        await asyncio.sleep(0.02)
        children = psutil.Process(parent.pid).children()

    os.kill(parent.pid, signal.SIGKILL)
    await parent.wait()

    deadline = time.monotonic() + 10
    while _lives(children[0]) and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    assert not _lives(children[0])


def _lives(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
