"""A code is stable, unique, documented and provoked by a test; a kind is rendered at every edge."""

import ast
import importlib.util
import re
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from neo.api.errors import STATUSES
from neo.errors import Edge, Failure, Kind

HERE = Path(__file__).resolve().parents[2]
# The same thing said in two places: a client need not know which of them noticed.
SHARED = {"attachment_invalid", "invalid_cursor", "route_not_found", "validation_error"}
# What no test of the rest provokes, and why.
NOT_PROVOKED = {
    "engine_not_installed": "Nobody takes a package away from the environment that runs the tests.",
    "turn_timed_out": "It takes ten minutes, and the bound is no setting.",
}


def errors_page() -> ModuleType:
    spec = importlib.util.spec_from_file_location("errors_page", HERE / "scripts" / "errors_page.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def said_in_tests() -> tuple[set[str], set[str]]:
    """The strings and the names in all tests but this one."""
    trees = [ast.parse(file.read_text()) for file in (HERE / "tests").rglob("*.py") if file != Path(__file__)]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    strings = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return strings, {node.id for node in nodes if isinstance(node, ast.Name)}


CATALOGUE = errors_page()


@cache
def failures() -> list[type[Failure]]:
    """It imports all of Neo, so it is for who runs these tests, and not for who collects them."""
    found: list[type[Failure]] = CATALOGUE.failures()
    return found


@cache
def entries() -> list[Any]:
    found: list[Any] = CATALOGUE.entries()
    return found


def codes_of(*edges: Edge) -> list[str]:
    return [entry.code for entry in entries() if set(edges) & set(entry.edges)]


def test_codes_are_unique() -> None:
    codes = [failure.code for failure in failures()]

    assert {code for code in codes if codes.count(code) > 1} == SHARED


def test_a_shared_code_is_said_in_one_way() -> None:
    """The status may differ: the contract has another one for what is wrong in a toolbox."""
    codes = [code for code, _ in {(entry.code, (entry.meaning, entry.remedy)) for entry in entries()}]

    assert {code for code in codes if codes.count(code) > 1} == set()


def test_a_failure_has_a_plain_code_and_a_kind() -> None:
    for failure in failures():
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", failure.code), failure
        assert isinstance(failure.kind, Kind), failure


def test_an_entry_says_what_it_means_and_what_to_do() -> None:
    for entry in entries():
        assert re.fullmatch(r"[A-Z`].*\.", entry.meaning), entry
        assert entry.edges, entry
        if set(entry.edges) == {Edge.LOG}:
            assert entry.remedy == "", entry
        else:
            assert re.fullmatch(r"[A-Z`].*\.", entry.remedy), entry
        assert "|" not in entry.meaning + entry.remedy, entry


def test_the_page_is_the_one_that_the_code_makes() -> None:
    assert CATALOGUE.PAGE.read_text() == CATALOGUE.page(), "Type: make snapshots"


def test_every_code_of_the_api_is_provoked_by_a_test() -> None:
    strings, _ = said_in_tests()

    assert codes_of(Edge.API)
    assert set(codes_of(Edge.API)) - strings == set()


def test_every_other_code_is_provoked_by_itself_or_by_its_failure() -> None:
    strings, names = said_in_tests()
    codes = set(codes_of(Edge.TURN, Edge.COMMAND_LINE, Edge.LOG))
    named = {failure.code for failure in failures() if failure.__name__ in names}

    assert codes - strings - named == set(NOT_PROVOKED)


def test_every_kind_has_a_status() -> None:
    assert set(STATUSES) == set(Kind)
    assert len(set(STATUSES.values())) == len(Kind)
