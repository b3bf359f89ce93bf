"""JSON that can be stored, read again and sent: strangers write numbers that no answer of ours could hold."""

import json
import math
from decimal import Decimal
from typing import Any

import orjson

INTEGER_MIN, INTEGER_MAX = -(2**63), 2**64 - 1


def plain_json(value: Any) -> Any:
    """The same, with the numbers as texts that are whole and have more than 64 bits, or are not finite."""
    if isinstance(value, dict):
        return {name: plain_json(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [plain_json(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return _whole(value) if type(value) is int else value


def _whole(value: int) -> int | str:
    return value if INTEGER_MIN <= value <= INTEGER_MAX else str(Decimal(value))


def read_json(text: str | bytes) -> Any:
    """What the database has stored. It writes 1e308 as a whole number of 309 digits, which is read as 1e308 again."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        # Beyond a double, or nested deeper than what is read fast.
        return json.loads(text, parse_int=_digits, parse_float=_digits)


def _digits(text: str) -> int | float | str:
    number = float(text)
    return text if math.isinf(number) else number
