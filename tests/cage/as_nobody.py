"""Runs a program as `nobody`, in a cage or without one: root loads what `nobody` may not read, and then is `nobody`."""

import ctypes
import importlib.util
import json
import os
import sys
from typing import Any

PR_SET_DUMPABLE, NOBODY = 4, 65_534


def loaded(path: str) -> Any:
    spec = importlib.util.spec_from_file_location(path.rpartition("/")[2].removesuffix(".py"), path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def become_nobody() -> None:
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    # As a process that `nobody` has started.
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)


if __name__ == "__main__":
    enter, program, orders = loaded(sys.argv[1]), loaded(sys.argv[2]), json.loads(sys.argv[3])
    become_nobody()
    if orders is not None:
        sys.stderr.write(json.dumps(enter.lock(orders)))
    sys.exit(program.main())
