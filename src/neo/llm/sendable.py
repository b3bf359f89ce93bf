"""Prompts as every provider accepts them, whoever answered before.

A turn may be answered by another provider than the turn before, and each refuses a whole prompt, and with it all
further turns of the session, for one id, one name, one blank text, or two messages of one role in a row.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import orjson

from neo.llm.deltas import ToolCall
from neo.llm.prompt import Outcome, Prompt, Round, Said

# The shortest limits are those of chat completions: 40 characters for an id, 64 for a name.
_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
_NAME_CHARACTERS_MAX = 64
# Models make up names as well, such as `multi_tool_use.parallel`.
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]")

# What stands for a text that is empty or blank where one is needed.
NO_ANSWER = "(no answer)"
NOTHING = "(nothing)"


def sendable(prompt: Prompt) -> Prompt:
    """The same prompt, in which

    - the transcript begins with the user's message and ends with an answer, and the two alternate;
    - each answer ends in a text, and no text is blank but that of a message with images and that before calls, which
      are empty then;
    - an id that is too long, has other characters, or was used before is replaced, in the call and in its outcome; so
      is each character of a tool's name that is not allowed;
    - each call's arguments are a JSON object.
    """
    *before, message = _joined([*prompt.transcript, Said("user", prompt.message, prompt.images)])
    if before and before[0].role == "assistant":
        before.insert(0, Said("user", NOTHING))
    ids = _Ids()
    transcript = tuple(_said(said, ids) for said in before)
    message = _said(message, ids)
    rounds = ids.rounds(prompt.rounds)
    return replace(prompt, transcript=transcript, message=message.text, images=message.images, rounds=rounds)


def _joined(transcript: Iterable[Said]) -> list[Said]:
    """Neighbours of one role are one message."""
    joined: list[Said] = []
    for said in transcript:
        if joined and joined[-1].role == said.role:
            joined[-1] = _join(joined[-1], said)
        else:
            joined.append(said)
    return joined


def _join(first: Said, second: Said) -> Said:
    if not second.rounds:
        text, rounds = _text(first.text, second.text), first.rounds
    else:
        # What was said before a call stands in the call's round.
        begun = replace(second.rounds[0], text=_text(first.text, second.rounds[0].text))
        text, rounds = second.text, (*first.rounds, begun, *second.rounds[1:])
    return Said(first.role, text, (*first.images, *second.images), rounds)


def _text(*texts: str) -> str:
    return "\n\n".join(text for text in texts if text.strip())


def _said(said: Said, ids: "_Ids") -> Said:
    if said.text.strip() and not said.rounds:
        return said
    is_answer = said.role == "assistant"
    if not said.text.strip():
        said = replace(said, text=NO_ANSWER if is_answer else "" if said.images else NOTHING)
    return replace(said, rounds=ids.rounds(said.rounds)) if said.rounds else said


class _Ids:
    def __init__(self) -> None:
        self._used: set[str] = set()

    def rounds(self, rounds: Sequence[Round]) -> tuple[Round, ...]:
        return tuple(self._round(one) for one in rounds)

    def _round(self, one: Round) -> Round:
        # Calls and outcomes have the same order, so that even two calls of one id find theirs.
        ids = [self._unused(call.call_id) for call in one.calls]
        calls = [
            ToolCall(call_id, _name(call.name), _arguments(call.arguments_json), call.carried)
            for call_id, call in zip(ids, one.calls, strict=True)
        ]
        outcomes = [_outcome(outcome, call_id) for call_id, outcome in zip(ids, one.outcomes, strict=True)]
        return Round(one.text if one.text.strip() else "", calls, outcomes)

    def _unused(self, given: str) -> str:
        number, found = len(self._used) + 1, given
        while found in self._used or not _ID.fullmatch(found):
            found = f"call_{number}"
            number += 1
        self._used.add(found)
        return found


def _name(given: str) -> str:
    return _NOT_IN_NAMES.sub("_", given)[:_NAME_CHARACTERS_MAX] or "_"


def _outcome(outcome: Outcome, call_id: str) -> Outcome:
    return replace(outcome, call_id=call_id, text=outcome.text if outcome.text.strip() else NOTHING)


def _arguments(given: str) -> str:
    """Some servers read the arguments of earlier calls again, and refuse what is no object."""
    if not given.strip():
        return "{}"
    try:
        read: Any = orjson.loads(given)
    except orjson.JSONDecodeError:
        read = given
    return given if isinstance(read, dict) else orjson.dumps({"arguments": given}).decode()
