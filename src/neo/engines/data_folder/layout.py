"""The layout of a data folder, and its lock: one process at a time uses it."""

import contextlib
import fcntl
import os
import secrets
import stat
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from neo.engines.data_folder.private_file import PRIVATE_FILE, write_once
from neo.engines.data_folder.running import Running, read_running
from neo.engines.errors import DataFolderInUse, DataFolderUnfit

__all__ = ["DataFolder", "Running", "locked", "read_running"]

PRIVATE_FOLDER = 0o700
OTHERS = stat.S_IRWXG | stat.S_IRWXO
SECRET_BYTES = 48


@dataclass(frozen=True)
class DataFolder:
    """Everything that one Neo keeps on this machine."""

    path: Path
    instance: str

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def valkey(self) -> Path:
        return self.path / "valkey-9"

    @property
    def blobs(self) -> Path:
        return self.path / "blobs"

    @property
    def key(self) -> Path:
        return self.path / "key"

    def log(self, part: str) -> Path:
        return self.logs / f"{part}.log"

    def temporal(self, server_version: str) -> Path:
        return self.path / f"temporal-{server_version}.db"

    def secret(self) -> str:
        """The server's secret key, made once."""
        file = self.path / "secret"
        if not file.exists():
            write_once(file, secrets.token_urlsafe(SECRET_BYTES))
        _refuse_open_modes(file)
        return file.read_text().strip()

    def write_key(self, api_key: str) -> None:
        """Keep the first API key where `neo chat` looks for it."""
        with contextlib.suppress(FileNotFoundError):
            self.key.unlink()
        write_once(self.key, api_key)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[DataFolder]:
    """Make the folder if need be, and keep it locked until the block ends."""
    folder = _opened(path.expanduser().absolute())
    descriptor = os.open(folder.path / "lock", os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
    try:
        _lock(descriptor, folder.path)
        yield folder
    finally:
        os.close(descriptor)


def _opened(path: Path) -> DataFolder:
    if path.exists() and not path.is_dir():
        raise DataFolderUnfit(f"{path} is a file. Choose a folder with --data.")
    path.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    _refuse_foreign(path)
    path.chmod(PRIVATE_FOLDER)
    instance = path / "instance"
    if not instance.exists():
        write_once(instance, uuid.uuid4().hex)
    for folder in (path / "logs", path / "valkey-9"):
        folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    return DataFolder(path, instance.read_text().strip())


def _refuse_foreign(path: Path) -> None:
    """Refuse a folder that is neither Neo's nor empty, before any mode is changed."""
    if path.stat().st_uid != os.geteuid():
        raise DataFolderUnfit(
            f"{path} belongs to another user. Run as its owner, or choose another with --data."
        )
    names = {entry.name for entry in path.iterdir()}
    if names and not any(name.split(".")[0] == "instance" for name in names):
        raise DataFolderUnfit(
            f"{path} holds other files and is no data folder of Neo's. Choose another with --data."
        )


def _refuse_open_modes(file: Path) -> None:
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & OTHERS:
        raise DataFolderUnfit(f"{file} is open to others ({mode:04o}): chmod 600 {file}")


def _lock(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as busy:
        pid = os.pread(descriptor, 32, 0).decode().strip() or "unknown"
        raise DataFolderInUse(
            f"{path} is in use by another Neo (pid {pid}). Stop that one, or choose another with --data.",
        ) from busy
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
