"""The `neo` command as a process of its own."""

import asyncio
import os
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from support.forked import FORKS, become_neo

# The first one waits until all of Neo is imported.
COMMAND_SECONDS = 110


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    stderr: str


async def started(*words: str, **environment: str) -> asyncio.subprocess.Process:
    """A command that begins from nothing, to be talked with while it runs."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "neo", *words),
        env=_clean(environment),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        # A shell that runs the tests in the background has all of them ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


async def ended(process: asyncio.subprocess.Process, typed: str = "") -> Ended:
    out, stderr = await asyncio.wait_for(process.communicate(typed.encode()), COMMAND_SECONDS)
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), stderr.decode())


async def neo(*words: str, typed: str = "", **environment: str) -> Ended:
    """A command from its beginning to its end."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "stdin").write_text(typed)
        process = FORKS.Process(target=_run, args=(folder, words, _clean(environment)))
        # The first one waits for the server of forks.
        await asyncio.to_thread(process.start)
        await asyncio.to_thread(process.join, COMMAND_SECONDS)
        code = process.exitcode
        assert code is not None, f"{words} did not end"
        process.close()
        return Ended(code, (folder / "stdout").read_text(), (folder / "stderr").read_text())


def _run(folder: Path, words: tuple[str, ...], environment: dict[str, str]) -> None:
    for number, (name, mode) in enumerate(
        (("stdin", os.O_RDONLY), ("stdout", os.O_WRONLY | os.O_CREAT), ("stderr", os.O_WRONLY | os.O_CREAT))
    ):
        os.dup2(os.open(folder / name, mode), number)
    # `multiprocessing` gives a child no standard input of its own.
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    become_neo(words, environment)


def _clean(environment: dict[str, str]) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("NEO_")}
    return {**clean, **environment}
