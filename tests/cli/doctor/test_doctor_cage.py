"""What `neo doctor` says of the cage that this machine gives."""

import json
from collections.abc import Collection
from pathlib import Path

import pytest

from cage.world import needs_root
from cli.neo_command import neo
from neo.cage import LAYERS, MINIMUM, Cage
from neo.cli.doctor.machine.cage import check_cage


@needs_root
async def test_it_is_whole_on_this_machine_and_for_root(tmp_path: Path) -> None:
    doctor = await neo("doctor", "--data", str(tmp_path), "--json")

    [found] = [check for check in json.loads(doctor.out)["checks"] if check["name"] == "cage"]
    assert (found["state"], found["said"]) == ("ok", f"Whole: {', '.join(LAYERS)}.")


@pytest.mark.parametrize(
    ("layers", "is_strict", "state"),
    [
        (MINIMUM, True, "ok"),
        *((set(LAYERS) - {needed}, True, "problem") for needed in MINIMUM),
        (set(LAYERS) - {"system call filter"}, False, "warning"),
        ((), True, "problem"),
    ],
)
async def test_less_is_named_and_a_problem_where_customers_are(
    layers: Collection[str], state: str, *, is_strict: bool
) -> None:
    [found] = await check_cage(Cage(layers=layers), is_strict=is_strict)

    assert found.state == state
    for layer in set(LAYERS) - set(layers):
        assert f"no {layer} (" in found.said
