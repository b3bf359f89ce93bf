"""The grammar of a model's name."""

from dataclasses import dataclass, fields, replace
from itertools import cycle, islice
from typing import Any

DEFAULT_TOKENS = 20
DEFAULT_TOOL = "unknown_thing"
# What `tool_call` asks for.
TOOL_NAME = "look_up"

# Enough for any test or benchmark, and a limit on what one name can make the server build.
NUMBER_MAX = 1_000_000

FAULTS = ("hang_after", "half", "eof", "reset", "error_after", "failed_after", "bad_json")


class UnknownScenarioError(Exception):
    """The model's name is not in the grammar."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    tokens: int | None = None
    echo: bool = False
    recall: bool = False
    instructions: bool = False
    reasoning: int = 0
    tool_call: bool = False
    tool: str | None = None
    calls: int | None = None
    rounds: int | None = None
    unquoted: bool = False
    length: bool = False
    first_ms: int = 0
    delay_ms: int = 0
    pause_after: int | None = None
    gate: str = "default"
    status: int | None = None
    retry_after: int | None = None
    retry_date: int | None = None
    forget: bool = False
    hang_after: int | None = None
    half: int | None = None
    eof: int | None = None
    reset: int | None = None
    error_after: int | None = None
    failed_after: int | None = None
    bad_json: int | None = None
    open_end: bool = False
    code: str | None = None
    key: str | None = None
    times: int | None = None
    in_answer: int | None = None
    budget: int | None = None

    @classmethod
    def parse(cls, name: str) -> "Scenario":
        return cls(**dict(_setting(part.strip()) for part in name.split(",") if part.strip()))

    @property
    def fault(self) -> tuple[str, int] | None:
        """The fault of the answer, and after how many tokens it happens."""
        found = ((name, getattr(self, name)) for name in FAULTS)
        return next(((name, after) for name, after in found if after is not None), None)

    def tools(self, rounds: int) -> tuple[str, ...]:
        """The names of the tools that an answer asks for after so many rounds of its turn."""
        if self.tool_call:
            return (TOOL_NAME,)
        if self.tool is None and self.calls is None and self.rounds is None:
            return ()
        if rounds >= (1 if self.rounds is None else self.rounds):
            return ()
        names = (self.tool or DEFAULT_TOOL).split("+")
        return tuple(islice(cycle(names), len(names) if self.calls is None else self.calls))

    def interrupts(self, rounds: int) -> bool:
        """Whether an answer pauses or fails, after so many rounds of its turn."""
        return self.in_answer in (None, rounds + 1)

    def without_interruptions(self) -> "Scenario":
        return replace(self, pause_after=None, open_end=False)

    @property
    def takes_time(self) -> bool:
        pauses = self.pause_after is not None or self.open_end
        return bool(pauses or self.first_ms or self.delay_ms or self.fault)


_TYPES: dict[str, Any] = {field.name: field.type for field in fields(Scenario)}


def _setting(part: str) -> tuple[str, Any]:
    key, has_value, value = part.partition("=")
    if key not in _TYPES:
        raise UnknownScenarioError(f"Unknown scenario key {key!r}.")
    if _TYPES[key] is bool:
        if has_value:
            raise UnknownScenarioError(f"{key!r} is a flag and takes no value.")
        return key, True
    if not value:
        raise UnknownScenarioError(f"{key!r} needs a value.")
    return key, value if _TYPES[key] in (str, str | None) else _number(key, value)


def _number(key: str, value: str) -> int:
    if not (value.isascii() and value.isdigit()) or int(value[:10]) > NUMBER_MAX:
        raise UnknownScenarioError(f"{key!r} needs a whole number up to {NUMBER_MAX}.")
    return int(value)
