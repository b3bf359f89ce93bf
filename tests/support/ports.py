"""Ports for what tests start: no two of one run are the same, and none is one that Neo's engines may choose.

A port is chosen seconds before its program binds it, so that it is free then says little: another test, or an engine of
another server, may take it in between.
"""

import os
import random
import re
import socket
from collections.abc import Iterator
from itertools import count

LOOPBACK = "127.0.0.1"
# Below what `neo.engines.ports` chooses from; each worker of pytest-xdist has a range of its own.
FIRST = 10_000
OF_WORKER = 2_000
WORKERS_MAX = 5


def _candidates() -> Iterator[int]:
    number = int((re.findall(r"\d+", os.environ.get("PYTEST_XDIST_WORKER", "")) or ["0"])[0])
    first = FIRST + number % WORKERS_MAX * OF_WORKER
    start = random.SystemRandom().randrange(OF_WORKER)
    for step in count(start):
        yield first + step % OF_WORKER


_PORTS = _candidates()


def free_port() -> int:
    """A port that nobody listens on, and that this process has not given away lately."""
    for port in _PORTS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return port
    raise AssertionError("never reached: the candidates do not end")
