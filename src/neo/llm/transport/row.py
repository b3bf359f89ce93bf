"""What the tables of the providers' words are made of.

Each row is a pattern in lower case, with short gaps only, so that a long text costs no more than its length.
"""

import re
from enum import Enum, auto
from typing import TypeAlias

from neo.llm.healing.refusal import About

REFUSES = r"(?:not support|n't support|unsupported|not enabled|not allowed|not accept|not available|cannot)"
UNKNOWN = r"(?:unrecognized|unknown|unsupported|unexpected|extra|invalid)"
EXTRA = r"(?:extra inputs|not permitted)"


class Said(Enum):
    """A refusal that no other prompt can mend."""

    CONTENT = auto()
    """The content filter's."""
    OPERATOR = auto()
    """Only the operator can put it right: no credit, no such model."""
    OVERLOADED = auto()
    BUSY = auto()
    """Too many tokens in too short a time: waiting helps."""
    FORGOTTEN = auto()
    """The provider does not have the earlier response, or keeps none."""


Row: TypeAlias = tuple[About | Said, re.Pattern[str]]


def rows(about: About | Said, *patterns: str) -> list[Row]:
    return [(about, re.compile(pattern)) for pattern in patterns]
