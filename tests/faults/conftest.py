"""The stack of the fault tests, and the table of what held."""

import re
from collections.abc import AsyncIterator

import pytest

from faults.stack import APART, BESIDE, Stack, stack_up
from faults.world import World, new_world

TITLE = ("fault", "held", "recovery", "promise")
NAME = re.compile(r"test_((?:f\d+_)*)(.+)")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fault-table", action="store_true", help="Print which promises held, and how soon.")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if not config.getoption("--fault-table"):
        return
    outcomes: dict[str, tuple[str, str, str, str]] = {}
    for outcome, reports in terminalreporter.stats.items():
        for report in reports:
            if isinstance(report, pytest.TestReport) and (
                report.when == "call" or outcome in ("error", "failed")
            ):
                outcomes[report.nodeid] = row_of(
                    report, held=report.passed and outcomes.get(report.nodeid) is None
                )
    rows = sorted(outcomes.values(), key=lambda row: (number_of(row[0]), row[3]))
    terminalreporter.section("faults and promises")
    for fault, held, recovery, promise in (TITLE, *rows):
        terminalreporter.write_line(f"{fault:<8} {held:<5} {recovery:>9}  {promise}")


def row_of(report: pytest.TestReport, *, held: bool) -> tuple[str, str, str, str]:
    found = NAME.fullmatch(report.nodeid.rpartition("::")[2])
    ids, rest = found.groups() if found else ("", report.nodeid)
    took = dict(report.user_properties).get("recovery_seconds")
    faults = " ".join(ids.upper().split("_")).strip() or "-"
    return faults, "yes" if held else "NO", "" if took is None else f"{took:.2f} s", rest.replace("_", " ")


def number_of(faults: str) -> int:
    return int(faults.split(maxsplit=1)[0][1:]) if faults != "-" else 1_000


@pytest.fixture(scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """Real engines and two of each process, for all fault tests."""
    async with stack_up(tmp_path_factory.mktemp("faults")) as stack:
        await stack.whole()
        yield stack


@pytest.fixture(scope="module", params=[APART, BESIDE])
async def shape(stack: Stack, request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """The stack in both shapes, one after the other."""
    await stack.become(request.param)
    yield request.param
    await stack.become(APART)


@pytest.fixture
async def world(stack: Stack, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """A tenant on a stack that is whole; at the end the checker looks at all that was seen and is left."""
    await stack.whole()
    world = await new_world(stack, lambda name, value: request.node.user_properties.append((name, value)))
    try:
        yield world
        await stack.healed()
        await world.judged()
    finally:
        await world.caller.aclose()
