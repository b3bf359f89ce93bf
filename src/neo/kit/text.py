"""What a text from outside may look like: an id, a name or title that stands in one line."""

import re
from decimal import Decimal
from uuid import UUID

GUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
# Control characters, ends of lines, and what turns the direction of the text around it: with them a name looks like
# another one, or moves what stands beside it. Marks and joiners, which scripts need, are none of these.
UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def find_guid(text: object) -> UUID | None:
    """A GUID in its common form, of any letter case; None for anything else."""
    return UUID(text) if isinstance(text, str) and GUID.fullmatch(text) else None


def is_one_line(text: str) -> bool:
    return UNFIT.search(text) is None


def as_digits(number: Decimal) -> str:
    """Without an exponent, and without zeros that say nothing."""
    digits = format(number, "f")
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def as_one_line(text: str) -> str:
    """The text without what may not stand in it."""
    return UNFIT.sub("", text)
