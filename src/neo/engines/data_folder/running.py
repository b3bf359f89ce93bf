"""The record of what runs on a data folder: pids with their start times, and addresses."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped, unused-ignore]

from neo.engines.addresses import Addresses
from neo.engines.data_folder.private_file import replace_file

RECORD = "running.json"
# The kernel's boot time, from which start times are computed, moves a little when the clock is set.
START_TOLERANCE_SECONDS = 2.0


@dataclass(frozen=True)
class Mark:
    """Identifies one process, also when a later one has the same pid."""

    pid: int
    started: float


@dataclass(frozen=True)
class Running:
    """The record that `neo serve` writes."""

    serve: Mark
    children: Mapping[str, Mark] = field(default_factory=dict)
    addresses: Addresses = field(default_factory=Addresses)


def mark_of(pid: int) -> Mark | None:
    """The process with this pid; None when it has ended."""
    try:
        return Mark(pid, psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return None


def find_process(mark: Mark) -> psutil.Process | None:
    """The process that the mark identifies; None when it has ended or is a zombie."""
    try:
        process = psutil.Process(mark.pid)
        same = abs(process.create_time() - mark.started) < START_TOLERANCE_SECONDS
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.NoSuchProcess:
        return None


def read_running(folder: Path) -> Running | None:
    """The record of the process that has locked this data folder; None when it is not alive."""
    record = last_record(folder)
    return record if record is not None and find_process(record.serve) else None


def last_record(folder: Path) -> Running | None:
    """The record as it was last written, whether or not its writer still lives."""
    try:
        return _decode(json.loads((folder / RECORD).read_text()))
    except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError):
        # A power cut can leave a broken file; the processes that it named have ended too.
        return None


def write_record(folder: Path, record: Running) -> None:
    """Replace the record as a whole, readable by its owner only."""
    replace_file(folder / RECORD, json.dumps(_encode(record), indent=2))


def _encode(record: Running) -> dict[str, Any]:
    addresses = {name: value for name, value in vars(record.addresses).items() if name != "pids"}
    children = {name: asdict(mark) for name, mark in record.children.items()}
    return {"serve": asdict(record.serve), "children": children, "addresses": addresses}


def _decode(raw: dict[str, Any]) -> Running:
    children = {name: Mark(**mark) for name, mark in raw["children"].items()}
    pids = {name: mark.pid for name, mark in children.items()}
    return Running(Mark(**raw["serve"]), children, Addresses(**raw["addresses"], pids=pids))
