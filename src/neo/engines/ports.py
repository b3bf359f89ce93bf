"""Free ports on this machine."""

import contextlib
import secrets
import socket
from collections.abc import Set as AbstractSet

import psutil  # type: ignore[import-untyped, unused-ignore]

from neo.engines.errors import PortTaken

LOOPBACK = "127.0.0.1"
# Below what Linux (32768 and up) and macOS (49152 and up) give to outgoing connections and to whoever binds to any
# port: one of those could take a chosen port before its engine has it.
CHOICE = range(20_000, 32_768)


def free_port(*, but: AbstractSet[int] = frozenset()) -> int:
    """Any port that nobody has, and that nobody is given by chance."""
    tried = secrets.SystemRandom().sample(CHOICE, k=len(CHOICE))
    for port in tried:
        if port not in but and _is_free(LOOPBACK, port):
            return port
    raise PortTaken(f"No port from {CHOICE[0]} to {CHOICE[-1]} is free. Stop a program that listens on many.")


def choose_port(preferred: int | None, *, but: AbstractSet[int] = frozenset()) -> int:
    """The preferred port when it is free, else any; what keeps an address stable over restarts."""
    if preferred and preferred not in but and _is_free(LOOPBACK, preferred):
        return preferred
    return free_port(but=but)


def refuse_taken_port(host: str, port: int) -> None:
    """Say who holds the port, before anything is started in vain."""
    if not _is_free(host, port):
        raise PortTaken(
            f"Port {port} on {host} is taken{_by_whom(port)}. Stop that one, or choose another with --port.",
        )


def _is_free(host: str, port: int) -> bool:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        # Connections of the run before, which are only waiting out their time, do not take a port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError:
            return False
        return True


def _by_whom(port: int) -> str:
    # Only root may look into the processes of others.
    with contextlib.suppress(psutil.Error):
        for found in psutil.net_connections("tcp"):
            if (
                found.status == psutil.CONN_LISTEN
                and getattr(found.laddr, "port", None) == port
                and found.pid
            ):
                return f" by {psutil.Process(found.pid).name()} (pid {found.pid})"
    return ""
