import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil  # type: ignore[import-untyped, unused-ignore]
import pytest

from neo.engines.data_folder.layout import locked, read_running
from neo.engines.data_folder.running import Mark, Running, mark_of, write_record
from neo.engines.errors import DataFolderInUse, DataFolderUnfit, OtherPostgresMajor
from neo.engines.postgres.home import open_home
from neo.engines.processes.survivors import end_survivors


def test_a_second_holder_is_told_who_the_first_one_is(data_dir: Path) -> None:
    with locked(data_dir), pytest.raises(DataFolderInUse, match=f"pid {os.getpid()}"), locked(data_dir):
        pass


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "letters").touch()

    with pytest.raises(DataFolderUnfit, match="holds other files"), locked(tmp_path):
        pass

    assert tmp_path.stat().st_mode & 0o777 == 0o755


def test_the_secret_is_made_once_and_refused_once_others_can_read_it(data_dir: Path) -> None:
    with locked(data_dir) as folder:
        secret = folder.secret()
        assert folder.secret() == secret
        assert len(secret) >= 32
        (data_dir / "secret").chmod(0o644)

        with pytest.raises(DataFolderUnfit, match="chmod 600"):
            folder.secret()


def test_a_folder_with_loose_modes_is_closed(data_dir: Path) -> None:
    with locked(data_dir):
        data_dir.chmod(0o755)
    with locked(data_dir):
        assert data_dir.stat().st_mode & 0o777 == 0o700


def test_another_major_is_refused_with_the_command_that_helps(data_dir: Path) -> None:
    with locked(data_dir) as folder:
        home = open_home(folder)
        (home.data.parent / "postgres-17").mkdir()

        with pytest.raises(OtherPostgresMajor, match=r"pg_dump --host .* --file neo\.dump neo"):
            open_home(folder)


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True
    ) as one:
        yield one
        one.kill()


def test_a_survivor_is_ended_but_not_a_stranger_with_its_pid(
    data_dir: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    mark = mark_of(sleeper.pid)
    assert mark is not None
    dead = Mark(pid=os.getpid(), started=0.0)
    with locked(data_dir) as folder:
        write_record(folder.path, Running(dead, {"model": replace(mark, started=mark.started - 60)}))
        end_survivors(folder.path)
        assert psutil.pid_exists(sleeper.pid)
        assert sleeper.poll() is None
        assert read_running(data_dir) is None

        write_record(folder.path, Running(dead, {"model": mark}))
        end_survivors(folder.path)
        assert sleeper.poll() is not None
