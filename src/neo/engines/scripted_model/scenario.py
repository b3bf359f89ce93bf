"""The grammar of a model's name."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from itertools import cycle, islice
from json import JSONDecodeError, JSONDecoder
from typing import Any

DEFAULT_TOKENS = 20
DEFAULT_TOOL = "unknown_thing"
# What `tool_call` asks for.
TOOL_NAME = "look_up"

# Enough for any test or benchmark, and a limit on what one name can make the server build.
NUMBER_MAX = 1_000_000

BAD_CALLS = ("empty", "broken", "unknown")
_CALL = re.compile(r"call=([A-Za-z0-9_-]{1,64})(?=\{)")
_JSON = JSONDecoder()

FAULTS = ("hang_after", "half", "eof", "reset", "error_after", "failed_after", "bad_json")


class UnknownScenarioError(Exception):
    """The model's name is not in the grammar."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A call of a tool that an answer asks for."""

    name: str
    arguments: str | None = None
    """None: they say which call it is."""


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
    steps: tuple[tuple[Wanted, ...], ...] = ()
    """The calls that are written out, answer by answer."""
    obey: bool = False
    bad_call: str | None = None
    strict: bool = False
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
        rest, steps = _written_out(name)
        settings = dict(_setting(part.strip()) for part in rest.split(",") if part.strip())
        if settings.get("bad_call", BAD_CALLS[0]) not in BAD_CALLS:
            raise UnknownScenarioError(f"'bad_call' is one of {', '.join(BAD_CALLS)}.")
        return cls(**settings, steps=steps)

    @property
    def fault(self) -> tuple[str, int] | None:
        """The fault of the answer, and after how many tokens it happens."""
        found = ((name, getattr(self, name)) for name in FAULTS)
        return next(((name, after) for name, after in found if after is not None), None)

    def wanted(self, rounds: int, texts: Iterable[str], offered: Iterable[str]) -> tuple[Wanted, ...]:
        """The calls that an answer asks for after so many rounds of its turn: `texts` are what is new to the model."""
        if self.tool_call:
            return (Wanted(TOOL_NAME, '{"query":"weather"}'),)
        told = tuple(call for text in texts for call in calls_in(text)) if self.obey else ()
        if told:
            return told
        steps = self.steps or self._by_name(offered)
        steps *= 1 if self.rounds is None else self.rounds
        return steps[rounds] if rounds < len(steps) else ()

    def _by_name(self, offered: Iterable[str]) -> tuple[tuple[Wanted, ...], ...]:
        if self.tool is None and self.calls is None and self.rounds is None and self.bad_call is None:
            return ()
        usual = next(iter(offered), DEFAULT_TOOL) if self.bad_call else DEFAULT_TOOL
        names = (self.tool or usual).split("+")
        many = islice(cycle(names), len(names) if self.calls is None else self.calls)
        return (tuple(map(Wanted, many)),)

    def interrupts(self, rounds: int) -> bool:
        """Whether an answer pauses or fails, after so many rounds of its turn."""
        return self.in_answer in (None, rounds + 1)

    def without_interruptions(self) -> "Scenario":
        return replace(self, pause_after=None, open_end=False)

    @property
    def takes_time(self) -> bool:
        pauses = self.pause_after is not None or self.open_end
        return bool(pauses or self.first_ms or self.delay_ms or self.fault)


def calls_in(text: str) -> tuple[Wanted, ...]:
    """What `call=NAME{json}` asks for in a text, also where the text is itself quoted in JSON."""
    found = tuple(call for call, _, _ in _places(text))
    return found or tuple(call for call, _, _ in _places(text.replace('\\"', '"')))


def _places(text: str) -> Iterator[tuple[Wanted, int, int]]:
    for match in _CALL.finditer(text):
        try:
            _, end = _JSON.raw_decode(text, match.end())
        except (JSONDecodeError, RecursionError):
            continue
        yield Wanted(match[1], text[match.end() : end]), match.start(), end


def _written_out(name: str) -> tuple[str, tuple[tuple[Wanted, ...], ...]]:
    """The name without its calls, and those; `then` stands between the calls of one answer and those of the next."""
    steps: list[tuple[Wanted, ...]] = []
    rest, place = "", 0
    for call, begin, end in _places(name):
        if begin < place:
            # It stands within the arguments of the one before.
            continue
        between = name[place:begin]
        if not steps or "then" in between.split(","):
            steps.append(())
        steps[-1] = (*steps[-1], call)
        rest, place = rest + between, end
    parts = (rest + name[place:]).split(",")
    return ",".join(part for part in parts if part.strip() != "then"), tuple(steps)


_TYPES: dict[str, Any] = {field.name: field.type for field in fields(Scenario) if field.name != "steps"}


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
