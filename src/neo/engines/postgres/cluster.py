"""Creates PostgreSQL's own data folder, writes its settings, and clears away what a crash left in it."""

import asyncio
import os
import pwd
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped, unused-ignore]

from neo.engines.errors import EngineDidNotStart
from neo.engines.postgres.home import PostgresHome
from neo.engines.processes.child import Child, Command, bare_environment
from neo.engines.processes.supervise import tail
from neo.engines.processes.survivors import kill

SUPERUSER = "postgres"
OWNER = "neo_owner"
APP = "neo_app"
# Backends of a killed server exit once they notice; a busy one takes a moment.
ORPHAN_SECONDS = 5.0
# initdb takes half a second; only a broken disk takes longer than this.
MAKE_SECONDS = 60.0

SETTINGS = """\
# Written at each start. To change a setting, use ALTER SYSTEM: it has the last word.
listen_addresses = ''
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700
max_connections = 200
shared_buffers = 128MB
effective_cache_size = 1GB
random_page_cost = 1.1
jit = off
fsync = on
synchronous_commit = on
full_page_writes = on
min_wal_size = 128MB
max_wal_size = 1GB
timezone = 'UTC'
log_timezone = 'UTC'
log_destination = 'stderr'
logging_collector = off
log_line_prefix = '%m [%p] %q%u@%d '
cluster_name = 'neo'
"""


async def make_cluster(home: PostgresHome, log: Path) -> None:
    """Create the folder under another name and rename it, so that a half-made one is never used."""
    if home.data.exists():
        return
    fresh = home.data.with_suffix(".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    if home.account:
        os.chown(fresh, home.account.uid, home.account.gid)
    await _run_initdb(home, fresh, log)
    fresh.rename(home.data)


def write_settings(home: PostgresHome) -> None:
    """Write who may connect and how the server runs, anew at each start."""
    person = pwd.getpwuid(os.geteuid()).pw_name
    roles = (SUPERUSER, OWNER, APP)
    _write(home, "postgresql.conf", SETTINGS.format(sockets=home.sockets))
    _write(home, "pg_hba.conf", f"local all {','.join(roles)} peer map=neo\n")
    _write(home, "pg_ident.conf", "".join(f'neo "{person}" {role}\n' for role in roles))


def clear_crash(home: PostgresHome) -> None:
    """End orphans and remove stale lock files, whose pid another process may have by now.

    The data folder is locked by us, so no other server can rightfully run on it.
    """
    if not (home.data / "postmaster.pid").exists():
        return
    orphans = list(_processes_in(home.data))
    for orphan in orphans:
        orphan.send_signal(signal.SIGQUIT)
    _, stubborn = psutil.wait_procs(orphans, timeout=ORPHAN_SECONDS)
    kill(stubborn)
    for stale in (home.data / "postmaster.pid", *home.sockets.glob(".s.PGSQL.*")):
        stale.unlink(missing_ok=True)


def _processes_in(data: Path) -> Iterator[psutil.Process]:
    """The processes of the server on this folder: the working directory of leader and backends is the data folder."""
    for process in psutil.process_iter():
        try:
            if process.name() == "postgres" and process.cwd() == os.path.realpath(data):
                yield process
        except psutil.Error:
            continue


async def _run_initdb(home: PostgresHome, data: Path, log: Path) -> None:
    locale = ("--encoding=UTF8", "--locale-provider=builtin", "--locale=C", "--builtin-locale=C.UTF-8")
    program = str(home.programs / "initdb")
    argv = (program, "-D", str(data), "--username", SUPERUSER, "--auth=peer", "--data-checksums", *locale)
    child = await Child.start(
        Command(
            argv=argv,
            env=bare_environment(),
            log=log,
            stop_signal=signal.SIGTERM,
            death_signal=signal.SIGKILL,
            stop_seconds=1.0,
            account=home.account,
        ),
    )
    try:
        async with asyncio.timeout(MAKE_SECONDS):
            code = await child.exited()
    finally:
        await child.stop(asyncio.Event())
    if code != 0:
        raise EngineDidNotStart(f"PostgreSQL could not make its data folder {data}:\n{tail(log)}")


def _write(home: PostgresHome, name: str, text: str) -> None:
    file = home.data / name
    fresh = file.with_suffix(".new")
    fresh.write_text(text)
    fresh.chmod(0o600)
    if home.account:
        os.chown(fresh, home.account.uid, home.account.gid)
    fresh.replace(file)
