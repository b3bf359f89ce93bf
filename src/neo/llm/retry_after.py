"""How long a provider asks to be left alone."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import ceil, isfinite

# A turn holds its session while it waits; a provider that asks for longer is treated as if it had not.
RETRY_AFTER_SECONDS_MAX = 60


def retry_after_seconds(headers: Mapping[str, str]) -> int | None:
    """From `retry-after-ms`, which OpenAI sends, or `retry-after`: seconds, or the date when to come back."""
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return capped(milliseconds / 1000)
    told = headers.get("retry-after", "")
    seconds = _number(told)
    return capped(_seconds_until(told) if seconds is None else seconds)


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
        # A date in the oldest of the three forms names no zone.
        return ((when if when.tzinfo else when.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None
