"""Free ports on this machine."""

import contextlib
import secrets
import socket
from collections.abc import Set as AbstractSet

import psutil  # type: ignore[import-untyped, unused-ignore]

from neo.engines.errors import PortTaken

LOOPBACK = "127.0.0.1"
# Below the ephemeral ports of Linux (32768 and up) and macOS (49152 and up), which outgoing connections and binds to
# port 0 are given: one of those could take a chosen port before its engine binds it.
CHOICE = range(20_000, 32_768)


def free_port(*, but: AbstractSet[int] = frozenset()) -> int:
    """Any free port outside the ephemeral range."""
    tried = secrets.SystemRandom().sample(CHOICE, k=len(CHOICE))
    for port in tried:
        if port not in but and _is_free(LOOPBACK, port):
            return port
    raise PortTaken(f"No port from {CHOICE[0]} to {CHOICE[-1]} is free. Stop a program that listens on many.")


def choose_port(preferred: int | None, *, but: AbstractSet[int] = frozenset()) -> int:
    """The preferred port when it is free, else any: it keeps an engine's address stable over restarts."""
    if preferred and preferred not in but and _is_free(LOOPBACK, preferred):
        return preferred
    return free_port(but=but)


def refuse_taken_port(host: str, port: int) -> None:
    """Refuse a taken port, and say by whom, before anything is started."""
    if not _is_free(host, port):
        raise PortTaken(
            f"Port {port} on {host} is taken{_by_whom(port)}. Stop that one, or choose another with --port.",
        )


def _is_free(host: str, port: int) -> bool:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        # The last run's connections in TIME_WAIT do not make a port count as taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError:
            return False
        return True


def _by_whom(port: int) -> str:
    # Only root may inspect the processes of others.
    with contextlib.suppress(psutil.Error):
        for found in psutil.net_connections("tcp"):
            if (
                found.status == psutil.CONN_LISTEN
                and getattr(found.laddr, "port", None) == port
                and found.pid
            ):
                return f" by {psutil.Process(found.pid).name()} (pid {found.pid})"
    return ""
