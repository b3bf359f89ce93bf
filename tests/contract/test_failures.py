"""A code is stable, unique and documented; a kind is rendered at every edge."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import neo
from neo.api.errors import STATUSES
from neo.errors import Failure, Kind
from neo.turns.contract import TURN_ATTEMPTS_EXHAUSTED
from neo.turns.step import TURN_TIMED_OUT
from neo.turns.sweep import TURN_LOST

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "errors.md").read_text()
# The same thing said in two places: a client need not know which of them noticed.
SHARED = {"invalid_cursor", "route_not_found", "unauthenticated", "validation_error"}
# What these raise, a caller of the API may be answered. Turns' codes and the command line's have no status.
API = (
    "neo.api.",
    "neo.chat.",
    "neo.meta.",
    "neo.sessions.",
    "neo.agents.",
    "neo.access.errors",
    "neo.access.limits",
    "neo.access.signed_urls",
    "neo.attachments.",
    "neo.channels.",
    "neo.people.",
    "neo.db.database",
    "neo.events.cursor",
    "neo.turns.store",
)


def failures() -> list[type[Failure]]:
    for module in pkgutil.walk_packages(neo.__path__, "neo."):
        if not module.name.endswith("__main__") and not module.name.startswith("neo.db.migrations"):
            importlib.import_module(module.name)
    return [
        failure
        for failure in _below(Failure)
        if hasattr(failure, "code") and failure.__module__.startswith("neo.")
    ]


def _below(parent: type[Failure]) -> Iterator[type[Failure]]:
    for child in parent.__subclasses__():
        yield child
        yield from _below(child)


FAILURES = failures()
CODES = {failure.code for failure in FAILURES}
TURN_CODES = {TURN_ATTEMPTS_EXHAUSTED, TURN_TIMED_OUT, TURN_LOST}
ROWS = re.findall(r"^\| `(\w+)` \|(?: (\d{3}) \|)?", PAGE, flags=re.MULTILINE)


def test_codes_are_unique() -> None:
    codes = [failure.code for failure in FAILURES]

    assert {code for code in codes if codes.count(code) > 1} <= SHARED


def test_a_shared_code_is_one_kind() -> None:
    for code in SHARED:
        assert len({failure.kind for failure in FAILURES if failure.code == code}) <= 1


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.__name__)
def test_a_failure_has_a_plain_code_and_a_kind(failure: type[Failure]) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", failure.code)
    assert isinstance(failure.kind, Kind)


def test_every_code_is_documented() -> None:
    documented = {code for code, _ in ROWS}

    assert (CODES | TURN_CODES | {"internal_error"}) - documented == set()


def test_no_code_is_documented_that_nobody_raises() -> None:
    assert {code for code, _ in ROWS} - CODES - TURN_CODES == {"internal_error"}


def test_the_documented_status_is_the_one_sent() -> None:
    documented = {code: int(status) for code, status in ROWS if status}
    sent = {failure.code: STATUSES[failure.kind] for failure in FAILURES}

    assert {code: sent.get(code, 500) for code in documented} == documented


@pytest.mark.parametrize(
    "failure", [one for one in FAILURES if one.__module__.startswith(API)], ids=lambda one: one.__name__
)
def test_what_the_api_answers_is_documented_with_its_status(failure: type[Failure]) -> None:
    assert (failure.code, str(STATUSES[failure.kind])) in ROWS


def test_every_kind_has_a_status() -> None:
    assert set(STATUSES) == set(Kind)
    assert len(set(STATUSES.values())) == len(Kind)
