"""Checks of the data folder: whose it is, and whether others can read its secrets."""

import os
import stat
from pathlib import Path

from neo.cli.doctor.findings import Finding, fine, problem

FOLDER_MODE, FILE_MODE = 0o700, 0o600
PRIVATE_FILES = ("secret", "key", "running.json")
NAME = "data folder"


def check_folder(folder: Path) -> list[Finding]:
    if not folder.is_dir():
        return [problem(NAME, f"There is no {folder}.", "start a server with `make run`, or pass --data")]
    if not (folder / "secret").exists():
        return [problem(NAME, f"{folder} has no secret yet.", "start a server on it with `make run`")]
    private = [(folder, FOLDER_MODE)]
    private += [(folder / name, FILE_MODE) for name in PRIVATE_FILES if (folder / name).exists()]
    found = [trouble for path, mode in private if (trouble := _trouble(path, mode))]
    return found or [fine(NAME, f"{folder} is private.")]


def _trouble(path: Path, wanted: int) -> Finding | None:
    found = path.stat()
    if found.st_uid != os.geteuid():
        return problem(NAME, f"{path} belongs to another user.", "run Neo as its owner")
    mode = stat.S_IMODE(found.st_mode)
    if mode != wanted:
        return problem(NAME, f"{path} has mode {mode:04o}.", f"chmod {wanted:o} {path}")
    return None
