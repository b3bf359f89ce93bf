"""Where PostgreSQL's data, sockets and programs are, and as which user it runs.

PostgreSQL refuses to run as root. Started by root, it runs as an unprivileged user, with its data outside
the data folder, because that user may not be able to pass through the folders above it.
"""

import os
import pwd
import shutil
from dataclasses import dataclass
from pathlib import Path

from neo.engines.data_folder.layout import DataFolder
from neo.engines.data_folder.sockets import socket_folder
from neo.engines.errors import DataFolderUnfit, EngineNotInstalled, OtherPostgresMajor
from neo.engines.postgres.binaries import installed_programs, reachable_programs
from neo.engines.processes.child import Account

MAJOR = "18"
ROOTS_HOME = Path("/var/lib/neo")
# The account made for PostgreSQL, when the machine has it, else one that every machine has.
ACCOUNTS = ("postgres", "nobody")
PRIVATE = 0o700
PASSABLE = 0o711
PUBLIC = 0o755


@dataclass(frozen=True)
class PostgresHome:
    """The folders of one PostgreSQL; the account is None when it runs as ourselves."""

    data: Path
    sockets: Path
    programs: Path
    account: Account | None


def open_home(folder: DataFolder) -> PostgresHome:
    """Choose PostgreSQL's folders, and refuse the data of another major version."""
    sockets = socket_folder(folder.instance)
    _refuse_nameless_user()
    if os.geteuid() != 0:
        home = PostgresHome(folder.path / f"postgres-{MAJOR}", sockets, installed_programs(), None)
    else:
        home = _home_under_root(folder, sockets)
    _refuse_other_major(home)
    return home


def discard_home(folder: DataFolder) -> None:
    """Remove what lies outside the data folder; tests use it to clean up."""
    shutil.rmtree(ROOTS_HOME / folder.instance, ignore_errors=True)
    shutil.rmtree(socket_folder(folder.instance), ignore_errors=True)


def _home_under_root(folder: DataFolder, sockets: Path) -> PostgresHome:
    ROOTS_HOME.mkdir(mode=PUBLIC, parents=True, exist_ok=True)
    home = ROOTS_HOME / folder.instance
    home.mkdir(mode=PASSABLE, exist_ok=True)
    _record_owner(home / "home", folder.path)
    data = home / f"postgres-{MAJOR}"
    account = _account(data)
    own_sockets = sockets / "postgres"
    own_sockets.mkdir(mode=PRIVATE, exist_ok=True)
    os.chown(own_sockets, account.uid, account.gid)
    return PostgresHome(data, own_sockets, reachable_programs(ROOTS_HOME / "bin"), account)


def _record_owner(note: Path, owner: Path) -> None:
    """Note which data folder uses this database: one that was moved keeps it, a copy of one is refused."""
    before = Path(note.read_text().strip()) if note.exists() else owner
    same_instance = before != owner and (before / "instance").exists()
    if same_instance and (before / "instance").read_text() == (owner / "instance").read_text():
        raise DataFolderUnfit(
            f"{owner} is a copy of {before}, and both would use the database in {note.parent}. "
            f"Remove {owner / 'instance'} to start the copy with an empty database.",
        )
    note.write_text(f"{owner}\n")


def _account(data: Path) -> Account:
    """The owner of existing data, so that an account created later changes nothing; else the first of `ACCOUNTS`."""
    if data.exists():
        found = pwd.getpwuid(data.stat().st_uid)
    else:
        names = {entry.pw_name: entry for entry in pwd.getpwall()}
        found = next(names[name] for name in ACCOUNTS if name in names)
    return Account(name=found.pw_name, uid=found.pw_uid, gid=found.pw_gid)


def _refuse_nameless_user() -> None:
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError as unknown:
        raise EngineNotInstalled(
            f"User id {os.geteuid()} has no name on this machine, and PostgreSQL needs one. "
            "Add it to /etc/passwd, or set NEO_DATABASE_URL.",
        ) from unknown


def _refuse_other_major(home: PostgresHome) -> None:
    others = [
        path for path in home.data.parent.glob("postgres-*") if path.name.removeprefix("postgres-").isdigit()
    ]
    if home.data in others or not others:
        return
    found = max(others, key=lambda path: int(path.name.removeprefix("postgres-")))
    # Only the superuser reads every tenant's rows: row-level security binds the tables' owner too.
    reach = f"--host {home.sockets} --username postgres"
    raise OtherPostgresMajor(
        f"{found} was made by PostgreSQL {found.name.removeprefix('postgres-')}, and this Neo runs {MAJOR}.\n"
        "Start the Neo that made it on this data folder, and while it runs, type:\n"
        f"  {home.programs / 'pg_dump'} {reach} --format custom --file neo.dump neo\n"
        f"Then move {found} away, start this Neo, and type:\n"
        f"  {home.programs / 'pg_restore'} {reach} --clean --if-exists --dbname neo neo.dump",
    )
