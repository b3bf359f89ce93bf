"""Every fault of the matrix has its test, or a reason in docs/decisions/0013-faults-that-differ.md."""

import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
DECISION = TESTS.parent / "docs" / "decisions" / "0013-faults-that-differ.md"
FAULTS = {f"F{number}" for number in range(1, 40)}
# Named in the decision, with what holds instead.
WITHOUT_A_TEST = {"F36"}


def test_every_fault_has_a_test_that_carries_its_id_or_a_reason() -> None:
    names = [
        name
        for file in TESTS.rglob("test_*.py")
        for name in re.findall(r"^(?:async )?def test_((?:f\d+_)+)", file.read_text(), re.MULTILINE)
    ]
    tested = {fault.upper() for name in names for fault in name.strip("_").split("_")}

    assert tested - FAULTS == set()
    assert FAULTS - tested == WITHOUT_A_TEST


def test_what_differs_is_told_with_its_reason() -> None:
    told = set(re.findall(r"^\| (F\d+) \|", DECISION.read_text(), re.MULTILINE))

    assert told >= WITHOUT_A_TEST
    assert told <= FAULTS
