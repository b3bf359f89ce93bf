# ruff: noqa: INP001 - a script, not a package.
"""Becomes `neo`, for `make run` and `make chat`: reads `.env`, and ties the life of `neo` to make's.

make does not end what it started when it is killed itself; the kernel does, where it can (Linux).
"""

import ctypes
import os
import signal
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
PR_SET_PDEATHSIG = 1


def read_env(file: Path) -> dict[str, str]:
    """`NAME=value` lines; quotes round a whole value go, and nothing is expanded."""
    found = {}
    for raw in file.read_text(encoding="utf-8").splitlines():
        name, equals, value = raw.strip().removeprefix("export ").partition("=")
        if equals and not name.startswith("#"):
            found[name.strip()] = _unquoted(value.strip())
    return found


def _unquoted(value: str) -> str:
    is_quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if is_quoted else value


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)


def main() -> None:
    file = HERE / ".env"
    if file.is_file():
        # What was set by hand wins over the file.
        os.environ.update({name: value for name, value in read_env(file).items() if name not in os.environ})
    _die_with_parent()
    neo = str(HERE / ".venv" / "bin" / "neo")
    os.execv(neo, [neo, *sys.argv[1:]])  # noqa: S606 - to be this process is the point.


if __name__ == "__main__":
    main()
