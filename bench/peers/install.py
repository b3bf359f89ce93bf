"""Each peer in an environment of its own below `bench/.peers/`, at pinned versions."""

import shutil
import subprocess
from pathlib import Path

from bench.peers.peer import PLACE, Peer

UV = Path(__file__).parents[2] / ".uv" / "bin" / "uv"
STAMP = "installed.txt"
INSTALL_SECONDS = 300


class NotInstalledError(Exception):
    """A peer that cannot be had on this machine is left out."""


def installed(peer: Peer) -> Path:
    """The environment's Python; installs it the first time, and when the versions have changed."""
    place = PLACE / peer.name
    python = place / "bin" / "python"
    stamp, wanted = place / STAMP, "\n".join([peer.python, *peer.packages])
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    shutil.rmtree(place, ignore_errors=True)
    PLACE.mkdir(exist_ok=True)
    _uv("venv", "--python", _interpreter(peer.python), str(place))
    _uv("pip", "install", "--python", str(python), *peer.packages)
    stamp.write_text(wanted)
    return python


def _interpreter(version: str) -> str:
    """A version manager's shim may be in the way of the interpreter that it stands for."""
    found = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}"))
    return str(found[-1]) if found else version


def _uv(*words: str) -> None:
    done = subprocess.run(
        [UV, *words, "--quiet", "--no-python-downloads"],
        capture_output=True,
        text=True,
        timeout=INSTALL_SECONDS,
        check=False,
    )
    if done.returncode:
        raise NotInstalledError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "uv failed")
