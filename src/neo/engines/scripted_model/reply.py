"""What a scenario answers to a call."""

import re
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from time import time

import orjson

from neo.engines.scripted_model.calls import Rounds
from neo.engines.scripted_model.request import ModelRequest
from neo.engines.scripted_model.scenario import DEFAULT_TOKENS, DEFAULT_TOOL, Scenario, Wanted
from neo.engines.scripted_model.state import REMEMBERED_CHARACTERS_MAX, SHOWN_CHARACTERS_MAX, Exchange

CHARACTERS_PER_TOKEN = 4
# Chat completions allow 40 characters for the id of a call.
_UNIQUE_CHARACTERS = 24

_WORD = re.compile(r"\s*\S+\s*|\s+")


@dataclass(frozen=True, slots=True)
class AskedCall:
    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Reply:
    id: str
    model: str
    created_at: int
    reasoning: tuple[str, ...]
    words: tuple[str, ...]
    calls: tuple[AskedCall, ...]
    is_truncated: bool
    input_tokens: int
    cached_tokens: int

    @property
    def text(self) -> str:
        return "".join(self.words)

    @property
    def output_tokens(self) -> int:
        return len(self.reasoning) + len(self.words) + len(self.calls)


def compose(request: ModelRequest, scenario: Scenario, remembered: Exchange | None, rounds: Rounds) -> Reply:
    cached_tokens = remembered.tokens_so_far if remembered else 0
    unique = uuid.uuid4().hex
    wanted = scenario.wanted(rounds.count, _new_texts(request, remembered, rounds), request.tools)
    calls = tuple(_calls(wanted, scenario.bad_call, rounds, unique[:_UNIQUE_CHARACTERS]))
    return Reply(
        id=unique,
        model=request.model,
        created_at=int(time()),
        reasoning=tuple(f"r{number} " for number in range(1, scenario.reasoning + 1)),
        words=(
            *(() if scenario.unquoted else _quoted(rounds)),
            *_words(request, scenario, remembered, asks=bool(calls)),
        ),
        calls=calls,
        is_truncated=scenario.length,
        input_tokens=cached_tokens + request.characters // CHARACTERS_PER_TOKEN + 1,
        cached_tokens=cached_tokens,
    )


def exchange(request: ModelRequest, reply: Reply, remembered: Exchange | None, rounds: Rounds) -> Exchange:
    users = tuple(user[:REMEMBERED_CHARACTERS_MAX] for user in request.users)
    asked = tuple(call.call_id for call in reply.calls)
    tokens_so_far = reply.input_tokens + reply.output_tokens
    return Exchange(users, tokens_so_far, remembered, asked, rounds.count + bool(asked))


def _calls(wanted: Iterable[Wanted], bad: str | None, rounds: Rounds, unique: str) -> Iterator[AskedCall]:
    for number, call in enumerate(wanted, start=1):
        place = orjson.dumps({"round": rounds.count + 1, "call": number}).decode()
        name, arguments = call.name, call.arguments or place
        if bad == "unknown":
            name = DEFAULT_TOOL
        elif bad is not None:
            arguments = "" if bad == "empty" else arguments[: len(arguments) // 2]
        yield AskedCall(f"call_{unique}_{number}", name, arguments)


def _new_texts(request: ModelRequest, remembered: Exchange | None, rounds: Rounds) -> Iterator[str]:
    """What the model has not read before: outcomes, or else what a turn begins with."""
    if rounds.count:
        yield from rounds.outcomes
    else:
        yield from (_newest_user(request, remembered), request.instructions, *request.tools.values())


def _quoted(rounds: Rounds) -> Iterator[str]:
    """What the newest calls were answered, so that it can be seen that it arrived."""
    for outcome in rounds.outcomes:
        yield from _WORD.findall(f"got {outcome[:SHOWN_CHARACTERS_MAX]}\n")


def _words(
    request: ModelRequest, scenario: Scenario, remembered: Exchange | None, *, asks: bool
) -> tuple[str, ...]:
    if scenario.echo:
        return tuple(_WORD.findall(_newest_user(request, remembered)))
    if scenario.recall:
        users = [*(remembered.users_so_far() if remembered else []), *request.users]
        return tuple(_WORD.findall("\n".join(users)))
    if scenario.instructions:
        return tuple(_WORD.findall(request.instructions))
    tokens = scenario.tokens
    if tokens is None:
        tokens = 0 if asks else DEFAULT_TOKENS
    return tuple(f"w{number} " for number in range(1, tokens + 1))


def _newest_user(request: ModelRequest, remembered: Exchange | None) -> str:
    """A call that only brings outcomes has no user message of its own."""
    if request.users:
        return request.users[-1]
    users = remembered.users_so_far() if remembered else []
    return users[-1] if users else ""
