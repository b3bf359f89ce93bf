"""Databases that root's servers left below /var/lib/neo, and whose data folder is gone.

A data folder that was moved takes its database along at its next start, so one that is missing is not yet proof:
the database must have been left alone for a week, too.
"""

import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from neo.engines.data_folder.sockets import socket_path
from neo.engines.postgres.home import ROOTS_HOME

LEFT_DAYS = 7
SECONDS_OF_A_DAY = 86_400
# PostgreSQL writes this at its start, at each checkpoint and at its stop.
LAST_SIGN = "postgres-*/global/pg_control"


@dataclass(frozen=True)
class Leftover:
    """`data_folder` is where its data folder was."""

    home: Path
    data_folder: Path

    @property
    def size_bytes(self) -> int:
        return sum(file.lstat().st_size for file in self.home.rglob("*") if not file.is_symlink())

    def remove(self) -> None:
        shutil.rmtree(self.home)
        shutil.rmtree(socket_path(self.home.name), ignore_errors=True)


def find_leftovers(root: Path = ROOTS_HOME) -> list[Leftover]:
    """Only root's servers keep anything outside of their data folder."""
    if os.geteuid() != 0 or not root.is_dir():
        return []
    return sorted(_leftovers(root), key=lambda one: one.home)


def _leftovers(root: Path) -> Iterator[Leftover]:
    for note in root.glob("*/home"):
        home, data_folder = note.parent, Path(note.read_text().strip())
        if (
            not _is_of(data_folder, home.name)
            and _last_used(home, note) < time.time() - LEFT_DAYS * SECONDS_OF_A_DAY
        ):
            yield Leftover(home, data_folder)


def _is_of(data_folder: Path, instance: str) -> bool:
    try:
        return (data_folder / "instance").read_text().strip() == instance
    except (FileNotFoundError, NotADirectoryError):
        return False


def _last_used(home: Path, note: Path) -> float:
    return max(file.stat().st_mtime for file in (note, *home.glob(LAST_SIGN)))
