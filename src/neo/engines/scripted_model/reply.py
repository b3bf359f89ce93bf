"""What a scenario answers to a call."""

import re
import uuid
from dataclasses import dataclass
from time import time

from neo.engines.scripted_model.request import ModelRequest
from neo.engines.scripted_model.scenario import DEFAULT_TOKENS, Scenario
from neo.engines.scripted_model.state import REMEMBERED_CHARACTERS_MAX, Exchange

CHARACTERS_PER_TOKEN = 4
TOOL_NAME = "look_up"
TOOL_ARGUMENTS = '{"query":"weather"}'

_WORD = re.compile(r"\s*\S+\s*|\s+")


@dataclass(frozen=True, slots=True)
class Reply:
    id: str
    model: str
    created_at: int
    reasoning: tuple[str, ...]
    words: tuple[str, ...]
    tool_call_id: str | None
    is_truncated: bool
    input_tokens: int
    cached_tokens: int

    @property
    def text(self) -> str:
        return "".join(self.words)

    @property
    def output_tokens(self) -> int:
        return len(self.reasoning) + len(self.words) + (1 if self.tool_call_id else 0)


def compose(request: ModelRequest, scenario: Scenario, remembered: Exchange | None) -> Reply:
    cached_tokens = remembered.tokens_so_far if remembered else 0
    unique = uuid.uuid4().hex
    return Reply(
        id=unique,
        model=request.model,
        created_at=int(time()),
        reasoning=tuple(f"r{number} " for number in range(1, scenario.reasoning + 1)),
        words=_words(request, scenario, remembered),
        tool_call_id=f"call_{unique}" if scenario.tool_call else None,
        is_truncated=scenario.length,
        input_tokens=cached_tokens + request.characters // CHARACTERS_PER_TOKEN + 1,
        cached_tokens=cached_tokens,
    )


def exchange(request: ModelRequest, reply: Reply, remembered: Exchange | None) -> Exchange:
    users = tuple(user[:REMEMBERED_CHARACTERS_MAX] for user in request.users)
    return Exchange(users, reply.input_tokens + reply.output_tokens, remembered)


def _words(request: ModelRequest, scenario: Scenario, remembered: Exchange | None) -> tuple[str, ...]:
    if scenario.echo:
        return tuple(_WORD.findall(request.users[-1] if request.users else ""))
    if scenario.recall:
        users = [*(remembered.users_so_far() if remembered else []), *request.users]
        return tuple(_WORD.findall("\n".join(users)))
    if scenario.instructions:
        return tuple(_WORD.findall(request.instructions))
    tokens = scenario.tokens
    if tokens is None:
        tokens = 0 if scenario.tool_call else DEFAULT_TOKENS
    return tuple(f"w{number} " for number in range(1, tokens + 1))
