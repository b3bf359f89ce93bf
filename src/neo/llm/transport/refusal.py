"""What HTTP says of a refusal: which statuses mean what, and how long the provider asks to wait."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import ceil, isfinite

GONE = 410
TOO_LARGE = 413
# Request timeout, lock conflict, too early: the providers' own libraries retry these calls. 424 is TGI's for a model
# that failed.
TRANSIENT = frozenset({408, 409, 424, 425})
SERVER_ERRORS = range(500, 600)
# A call to go on from a response that the provider does not have, or does not do at all.
NOT_CONTINUED = frozenset({400, 404, 405, GONE, 422, 501})
# Where the words say more than the status. Besides refusals these are what llama.cpp and many gateways answer in their
# place; pages of gateways that are down have other statuses, and a key that is refused has one of its own. Fireworks
# has 412 for an account that is suspended, Portkey 446 for a guardrail.
WORDS_COUNT = frozenset({400, 403, 404, 405, 412, 413, 415, 422, 446, 500, 501})
# No other turn of the session runs while one waits. A provider that asks for longer is asked again after this.
RETRY_AFTER_SECONDS_MAX = 60


def retry_after_seconds(headers: Mapping[str, str]) -> int | None:
    """From `retry-after-ms`, which OpenAI sends, or from `retry-after`: seconds, or an HTTP date."""
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return capped(milliseconds / 1000)
    value = headers.get("retry-after", "")
    seconds = _number(value)
    return capped(_seconds_until(value) if seconds is None else seconds)


def capped(seconds: float | None) -> int | None:
    if seconds is None or not isfinite(seconds):
        return None
    return min(max(ceil(seconds), 0), RETRY_AFTER_SECONDS_MAX)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if number >= 0 else None


def _seconds_until(text: str) -> float | None:
    try:
        when = parsedate_to_datetime(text)
        # The oldest of the three date formats has no time zone.
        return ((when if when.tzinfo else when.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None
