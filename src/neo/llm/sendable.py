"""Calls as every provider accepts them, whoever made them.

A turn may be answered by another provider than the turn before, and each refuses a whole prompt for one id or one name
that it does not like.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from neo.llm.deltas import ToolCall
from neo.llm.prompt import Prompt, Round

# The shortest limits are those of chat completions: 40 characters for an id, 64 for a name.
_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
_NAME_CHARACTERS_MAX = 64
# Models make up names as well, such as `multi_tool_use.parallel`.
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]")


def sendable(prompt: Prompt) -> Prompt:
    """The same prompt. An id that is too long, has other characters, or was used before is replaced, in the call and in
    its outcome; so is each character of a tool's name that is not allowed.
    """
    if not prompt.rounds and not any(said.rounds for said in prompt.transcript):
        return prompt
    ids = _Ids()
    transcript = tuple(
        replace(said, rounds=ids.rounds(said.rounds)) if said.rounds else said for said in prompt.transcript
    )
    return replace(prompt, transcript=transcript, rounds=ids.rounds(prompt.rounds))


class _Ids:
    def __init__(self) -> None:
        self._used: set[str] = set()

    def rounds(self, rounds: Sequence[Round]) -> tuple[Round, ...]:
        return tuple(self._round(one) for one in rounds)

    def _round(self, one: Round) -> Round:
        # Calls and outcomes have the same order, so that even two calls of one id find theirs.
        ids = [self._unused(call.call_id) for call in one.calls]
        calls = [
            ToolCall(call_id, _name(call.name), call.arguments_json)
            for call_id, call in zip(ids, one.calls, strict=True)
        ]
        outcomes = [
            replace(outcome, call_id=call_id) for call_id, outcome in zip(ids, one.outcomes, strict=True)
        ]
        return Round(one.text, calls, outcomes)

    def _unused(self, given: str) -> str:
        number, found = len(self._used) + 1, given
        while found in self._used or not _ID.fullmatch(found):
            found = f"call_{number}"
            number += 1
        self._used.add(found)
        return found


def _name(given: str) -> str:
    return _NOT_IN_NAMES.sub("_", given)[:_NAME_CHARACTERS_MAX] or "_"
