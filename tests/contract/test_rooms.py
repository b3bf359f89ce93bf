"""Folders stay small, imports make no ring and stand on top, and objects are wired by their constructors."""

import re
from pathlib import Path

import pytest

from contract.source_tree import (
    SOURCE,
    Import,
    Module,
    imported,
    imports,
    modules,
    outside_assignments,
    rings,
)

FILES_MAX = 14
COUNTED = {".py", ".lua", ".sql"}
# How a library is told something.
LIBRARIES = re.compile(
    r": (app\.state\.\w+|app\.openapi|app\.openapi_schema"  # FastAPI
    r"|server\.should_exit"  # uvicorn
    r"|(self\.)?cycle\.(chunked_encoding|expected_content_length|keep_alive|more_body)|owed\.disconnected"  # uvicorn
    r"|root\.handlers"  # logging
    r"|Image\.MAX_IMAGE_PIXELS"  # Pillow
    r"|session\.last_turn_no)$"  # A row of SQLAlchemy's: to set it is to write it.
)
# What a running thing knows by now, and no wiring.
STATE = {
    "engines/scripted_mcp/tools.py: call": "what happened to it",
    "engines/scripted_model/app.py: call": "what happened to it",
    "turns/leases/claim.py: turn": "its newest claim",
    "turns/leases/claim.py: self.turn": "its next segment",
    "turns/segments/attempt.py: turn": "when its first token came",
    "turns/segments/asking.py: attempt": "what the model was asked, and what it has answered",
    "turns/segments/settle.py: task": "its next step",
}


def test_a_folder_holds_few_enough_files_to_be_read() -> None:
    folders = [SOURCE, *(path for path in SOURCE.rglob("*") if path.is_dir())]
    sizes = {str(folder.relative_to(SOURCE)): _size(folder) for folder in folders}

    assert {name: size for name, size in sizes.items() if size > FILES_MAX} == {}


def test_no_modules_import_each_other_in_a_ring() -> None:
    arrows = {
        module.name: {name for one in imports(module.tree) for name in imported(one.node, modules())}
        for module in modules().values()
    }

    assert rings(arrows) == []


def test_an_import_in_a_function_says_why_it_is_there() -> None:
    """In `cli/` they may stand anywhere: a command's start is what somebody waits for. Its files say so once."""
    silent = [
        f"{module.place}:{one.node.lineno}"
        for module in modules().values()
        if not module.place.startswith("cli/")
        for one in imports(module.tree)
        if one.is_inner and not _says_why(module, one)
    ]

    assert silent == []


def test_a_file_of_a_command_says_once_why_it_imports_late() -> None:
    silent = {
        module.place
        for module in modules().values()
        if module.place.startswith("cli/")
        and (inner := [one for one in imports(module.tree) if one.is_inner])
        and not any(_says_why(module, one) for one in inner)
    }

    assert silent == set()


def test_objects_are_wired_by_their_constructors() -> None:
    found = {place for module in modules().values() for place in outside_assignments(module)}

    ours = {place for place in found if not LIBRARIES.search(place)}
    assert {place.rpartition(".")[0] for place in ours} == set(STATE)


@pytest.mark.parametrize(
    ("arrows", "expected"),
    [
        ({"a": {"b"}, "b": {"c"}, "c": set()}, []),
        ({"a": {"b"}, "b": {"c"}, "c": {"b"}}, [["b", "c"]]),
        ({"a": {"a"}}, [["a"]]),
    ],
)
def test_a_ring_is_found(arrows: dict[str, set[str]], expected: list[list[str]]) -> None:
    assert rings(arrows) == expected


def _size(folder: Path) -> int:
    return sum(path.is_file() and path.suffix in COUNTED for path in folder.iterdir())


def _says_why(module: Module, one: Import) -> bool:
    """On its line, or above it; imports that follow each other may share one reason."""
    at = one.node.lineno - 1
    inner = {other.node.lineno - 1 for other in imports(module.tree) if other.is_inner}
    while True:
        line, above = module.lines[at], module.lines[at - 1].strip()
        if re.search(r"# noqa: PLC0415 - \S", line) or above.startswith("# "):
            return True
        if at - 1 not in inner and not (above == "" and at - 2 in inner):
            return False
        at -= 1 if at - 1 in inner else 2
