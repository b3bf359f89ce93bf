"""Features meet through their `__init__`, and the three rings keep to themselves.

The order of the folders is import-linter's (`pyproject.toml`); these are the rules that it cannot say.
"""

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "neo"
FEATURES = {
    "meta", "executions", "chat", "tails", "turns", "calls", "toolbox", "stops", "connections", "llm",
    "events", "attachments", "sessions", "channels", "agents",
    "companies", "people", "access", "audit", "tenants",
}  # fmt: skip
GROUND = {"api", "db", "streams", "blobs", "cage", "telemetry", "errors", "kit", "vault"}
# The workflow must not pull in what its feature's face would import, so this face stays empty.
OPEN_INSIDE = {"turns"}
WEB = ("fastapi", "starlette")
# In a feature, only these speak HTTP.
EDGES = {
    "routes.py",
    "schemas.py",
    "shown.py",
    "paging.py",
    "tails/open.py",
    "sending.py",
    "gate.py",
    "dependencies.py",
    "stop_routes.py",
    "scripted_door.py",
}

FILES = sorted(path for home in sorted(FEATURES) for path in (SOURCE / home).rglob("*.py"))


@cache
def nodes(path: Path) -> Sequence[ast.AST]:
    return tuple(ast.walk(ast.parse(path.read_text())))


def imports(path: Path) -> Iterator[str]:
    """Everything that a file imports, wherever in it, by full name."""
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield str(node.module)


def test_every_folder_of_features_is_known() -> None:
    assert {path.name for path in SOURCE.iterdir() if path.is_dir()} >= FEATURES


def breaches(broken_in: Callable[[Path], Iterable[str]]) -> dict[str, list[str]]:
    """The files that break a rule, and with what."""
    found = {str(path.relative_to(SOURCE)): list(broken_in(path)) for path in FILES}
    return {path: names for path, names in found.items() if names}


def test_features_meet_at_their_front_doors() -> None:
    def inner(path: Path) -> Iterator[str]:
        others = (FEATURES | GROUND) - {path.relative_to(SOURCE).parts[0]} - OPEN_INSIDE
        for name in imports(path):
            first, _, rest = name.partition(".")
            if first == "neo" and "." in rest and rest.split(".")[0] in others:
                yield name

    assert breaches(inner) == {}


def test_only_edges_speak_http() -> None:
    def web(path: Path) -> Iterator[str]:
        if not {path.name, "/".join(path.parts[-2:])} & EDGES and path.parts[-2] != "meta":
            yield from (name for name in imports(path) if name.split(".")[0] in WEB)

    assert breaches(web) == {}


def test_routes_do_not_query() -> None:
    def queries(path: Path) -> Iterator[str]:
        if path.name == "routes.py":
            yield from (name for name in imports(path) if name.split(".")[0] == "sqlalchemy")

    assert breaches(queries) == {}


def test_only_the_ground_opens_transactions() -> None:
    def called(path: Path) -> Iterator[str]:
        for node in nodes(path):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                yield from {"commit", "rollback"} & {node.func.attr}

    assert breaches(called) == {}


FOLDERS = {str(path.parent.relative_to(SOURCE)) for path in FILES} | (GROUND - {"errors"})


def test_every_folder_says_what_it_owns() -> None:
    silent = [
        folder
        for folder in sorted(FOLDERS)
        if not ast.get_docstring(ast.parse((SOURCE / folder / "__init__.py").read_text()))
    ]

    assert silent == []


@pytest.mark.parametrize("home", sorted(OPEN_INSIDE))
def test_a_face_that_is_open_inside_is_empty(home: str) -> None:
    assert list(imports(SOURCE / home / "__init__.py")) == []
