"""What may stand in one line of a list: a name, a title."""

import re

# Control characters, ends of lines, and what turns the direction of the text around it: with them a name looks like
# another one, or moves what stands beside it. Marks and joiners, which scripts need, are none of these.
UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def is_one_line(text: str) -> bool:
    return UNFIT.search(text) is None


def as_one_line(text: str) -> str:
    """The text without what may not stand in it."""
    return UNFIT.sub("", text)
