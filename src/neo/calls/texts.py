"""What the model reads of a call that has no output: what happened, and what it may do about it."""

from collections.abc import Sequence
from difflib import get_close_matches

import orjson

from neo.calls.ended import Ended, failed
from neo.connections import Effect, Ending, Outcome, Problem
from neo.errors import Failure

NEAREST_MAX = 3
# An argument's name or value may be as long as all arguments, and a message quotes it.
PROBLEM_CHARACTERS_MAX = 200
EARLIER_CHARACTERS_MAX = 4_096
REDIRECTION_HUNDREDS = 3

UNKNOWN_TEXT = (
    "It was sent, and what became of it is not known. Do not repeat it. Read first, or ask a person."
)
BEFORE_SENT = "The turn ended before this call was sent."
REFUSALS = {
    "approval_not_available": "It needs a person's approval, which cannot be asked for yet. Nothing was done.",
    "tool_unavailable": "Its connection is switched off, gone, or needs a new secret. Nothing was done.",
    "tool_changed": "Its server describes it otherwise than when somebody agreed to it. Nothing was done.",
    "tool_stopped": "Somebody has stopped calls like it. Nothing was done. Do not try it in another way.",
    "budget_reached": "As many changes as are allowed within an hour have been made. Nothing was done.",
}
NOT_ALLOWED = "It is not allowed here and now. Nothing was done."


# What is told in the same way each time: the call's status, the code, and the text.
_ENDS = {
    Ending.CANCELLED: ("CANCELLED", "cancelled", "The turn was cancelled, and the call was taken back."),
    Ending.TOO_LARGE: ("FAILED", "output_too_large", "Its answer is too large. Ask for less of it."),
    Ending.PROTOCOL_BROKEN: ("FAILED", "tool_broken", "Its server answered what cannot be read."),
    Ending.NEEDS_AUTH: ("FAILED", "connection_needs_auth", "Its server does not let Neo in. Tell a person."),
}

_REDIRECTED = ("FAILED", "tool_broken", "Its server redirected it, which is not followed.")


def refused(code: str) -> Ended:
    return failed("REFUSED", code, REFUSALS.get(code, NOT_ALLOWED))


def unknown_tool(name: str, offered: Sequence[str]) -> Ended:
    """The nearest names are of what is offered only: what is withheld is not hinted at."""
    near = get_close_matches(name, offered, NEAREST_MAX, 0.0)
    hint = f" Nearest: {', '.join(near)}." if near else ""
    return failed("REFUSED", "unknown_tool", f"there is no tool named {name!r}.{hint}")


def invalid_arguments(problems: Sequence[Problem]) -> Ended:
    said = "; ".join(
        f"{one.path[:PROBLEM_CHARACTERS_MAX] or 'the arguments'}: {one.message[:PROBLEM_CHARACTERS_MAX]}"
        for one in problems
    )
    return failed("REFUSED", "invalid_arguments", f"{said}. Nothing was done.")


def other_company(why: str) -> Ended:
    return failed("REFUSED", "other_company", f"{why} Nothing was done.")


def repeated(earlier: str) -> Ended:
    text = f"The same call was made before, and is not made again. Its outcome was: {earlier[:EARLIER_CHARACTERS_MAX]}"
    return failed("REFUSED", "repeated_call", text)


def same_answer() -> Ended:
    return failed("REFUSED", "repeated_call", "The same call is in this answer already, and is made once.")


def too_many(most: int, where: str) -> Ended:
    return failed("REFUSED", "too_many_calls", f"At most {most} calls are made in {where}. Nothing was done.")


def not_sent() -> Ended:
    return failed("CANCELLED", "cancelled", BEFORE_SENT)


def crashed(times: int) -> Ended:
    text = f"It was begun {times} times, and each time the process that ran it died."
    return failed("FAILED", "tool_crashed", text)


def unknown(probed: str | None = None, *, is_untrusted: bool = False) -> Ended:
    if probed is None:
        return failed("UNKNOWN", "unknown", UNKNOWN_TEXT)
    return failed("UNKNOWN", "unknown", f"{UNKNOWN_TEXT} {probed}", is_untrusted=is_untrusted)


def not_opened(failure: Failure) -> Outcome:
    """The connection cannot be used, so nothing has left."""
    return Outcome(ending=Ending.REFUSED, is_sent=False, detail=failure.message, code="tool_unavailable")


def not_made(outcome: Outcome) -> Ended:
    """Nothing of it has left."""
    _, code, _ = _ENDS.get(outcome.ending, ("", "tool_unavailable", ""))
    text = outcome.detail or "Its server is away."
    return failed("REFUSED", outcome.code or code, f"{text} Nothing was done.")


def without_output(outcome: Outcome, effect: Effect, seconds: float, *, is_untrusted: bool) -> Ended:
    """How a call has ended whose server brought no output."""
    if outcome.ending is Ending.TOOL_ERROR:
        return _told_failure(outcome, is_untrusted=is_untrusted)
    if outcome.may_have_happened and effect is not Effect.READ:
        return unknown()
    if not outcome.is_sent and outcome.ending is not Ending.CANCELLED:
        return not_made(outcome)
    if (end := _ENDS.get(outcome.ending)) is not None:
        return failed(*(_REDIRECTED if _is_redirection(outcome) else end))
    if outcome.ending is Ending.TIMED_OUT and outcome.is_sent:
        return failed("TIMED_OUT", "timed_out", f"No answer within {seconds:g} s; it may be asked again.")
    return failed("FAILED", outcome.code or "tool_unavailable", outcome.detail or "Its server is away.")


def _told_failure(outcome: Outcome, *, is_untrusted: bool) -> Ended:
    # As JSON, what a server says ends where its quotes end.
    words = orjson.dumps(outcome.said or outcome.detail).decode()
    status = f" ({outcome.status})" if outcome.status else ""
    text = f"The tool says that it failed{status}: {words}"
    return failed("FAILED", "tool_error", text, is_untrusted=is_untrusted)


def _is_redirection(outcome: Outcome) -> bool:
    return outcome.ending is Ending.PROTOCOL_BROKEN and (outcome.status or 0) // 100 == REDIRECTION_HUNDREDS
