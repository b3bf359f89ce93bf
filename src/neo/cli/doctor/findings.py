"""The findings of `neo doctor`: one line a check, and what to do about it."""

import asyncio
from collections.abc import Awaitable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import typer

from neo.errors import Failure
from neo.kit import redacted

# Engines answer in milliseconds; a check of one that hangs is given up after this.
CHECK_SECONDS = 10.0
NAME_WIDTH = 26


class State(StrEnum):
    """A warning is for the operator to judge; only an unsolved problem makes the exit code 1."""

    OK = "ok"
    REPAIRED = "repaired"
    WARNING = "warning"
    PROBLEM = "problem"
    SKIPPED = "skipped"


COLOURS = {
    State.OK: "green",
    State.REPAIRED: "green",
    State.WARNING: "yellow",
    State.PROBLEM: "red",
    State.SKIPPED: "bright_black",
}


@dataclass(frozen=True)
class Finding:
    name: str
    state: State
    said: str
    next_step: str | None = None

    def line(self) -> str:
        state = typer.style(f"{self.state:8}", fg=COLOURS[self.state])
        step = f" Next: {self.next_step}" if self.next_step else ""
        return f"{state} {self.name:{NAME_WIDTH}} {' '.join(self.said.split())}{step}"

    def row(self) -> dict[str, Any]:
        return asdict(self)


def fine(name: str, said: str) -> Finding:
    return Finding(name, State.OK, said)


def warning(name: str, said: str, next_step: str) -> Finding:
    return Finding(name, State.WARNING, said, next_step)


def problem(name: str, said: str, next_step: str | None = None) -> Finding:
    return Finding(name, State.PROBLEM, said, next_step)


def repaired(name: str, said: str) -> Finding:
    return Finding(name, State.REPAIRED, said)


def skipped(name: str, said: str) -> Finding:
    return Finding(name, State.SKIPPED, said)


async def checked(
    name: str,
    check: Awaitable[list[Finding]],
    next_step: str | None = None,
    *,
    seconds: float = CHECK_SECONDS,
) -> list[Finding]:
    """Run a check and return its findings; one that fails or hangs becomes a problem."""
    try:
        return await asyncio.wait_for(check, seconds)
    except Failure as failure:
        return [problem(name, failure.message, next_step)]
    except TimeoutError:
        return [problem(name, f"There was no answer within {seconds:.0f} s.", next_step)]
    except Exception as error:  # noqa: BLE001 - whatever a driver raises is shown to the operator.
        return [problem(name, redacted(f"{type(error).__name__}: {error}"), next_step)]
