"""Calls that a model makes again: what would do harm is answered from before, and a loop ends the turn softly."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from neo.calls import texts
from neo.connections import Effect

# A model that was asked again plans the same call anew; later it may well mean it.
ROUNDS_BACK = 3
# The third in a row is answered from the second, after the fifth the model is asked for no more.
SAME_MAX = 2
LOOP_CALLS = 5
# As often two calls in turns.
LOOP_PAIRS = 4
_SENT = ("OK", "UNKNOWN")


@dataclass(frozen=True, slots=True)
class Past:
    """A call that the turn has settled."""

    digest: str
    """In hexadecimal."""
    effect: str | None
    status: str
    text: str
    """Of its outcome, as the model read it."""
    key: str
    attempts: int
    rounds_ago: int
    """1: of the newest answer."""


def answered_before(digest: str, effect: Effect, past: Sequence[Past]) -> Past | None:
    """The call whose outcome answers this one, which is not made."""
    made = [one for one in reversed(past) if one.digest == digest and one.status != "REFUSED"]
    if made and [one.digest for one in past[-SAME_MAX:]] == [digest] * SAME_MAX:
        return made[0]
    if effect is not Effect.WRITE:
        return None
    return next((one for one in _recent(digest, past) if one.status in _SENT), None)


def key_of(digest: str, effect: Effect, past: Sequence[Past]) -> str | None:
    """The key of an earlier call that this one asks for again: with a key of its own its effect would happen twice."""
    if effect is not Effect.KEYED:
        return None
    same = [one for one in reversed(past) if one.digest == digest and one.attempts]
    return next((one.key for one in same if one.status == "UNKNOWN" or one.rounds_ago <= ROUNDS_BACK), None)


def once_each(planned: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The calls of one answer, of which the same one has its effect once: KEYED ones share their key, and of those
    that write all but the first are refused.
    """
    first: dict[str, dict[str, Any]] = {}
    return [row if row.get("outcome") else _once(row, first) for row in planned]


def _once(row: dict[str, Any], first: dict[str, dict[str, Any]]) -> dict[str, Any]:
    before = first.setdefault(row["digest"], row)
    if before is row or row.get("effect") not in (Effect.KEYED, Effect.WRITE):
        return row
    if row["effect"] is Effect.KEYED:
        return row | {"key": before["key"]}
    refusal = texts.same_answer()
    return row | {"outcome": refusal.outcome, "error_code": refusal.error_code}


def is_loop(past: Sequence[Past]) -> bool:
    digests = [one.digest for one in past]
    last = digests[-LOOP_CALLS:]
    if len(last) == LOOP_CALLS and len(set(last)) == 1:
        return True
    pairs = digests[-2 * LOOP_PAIRS :]
    return len(pairs) == 2 * LOOP_PAIRS and pairs == pairs[:2] * LOOP_PAIRS


def _recent(digest: str, past: Sequence[Past]) -> Sequence[Past]:
    """The newest first."""
    return [one for one in reversed(past) if one.digest == digest and one.rounds_ago <= ROUNDS_BACK]
