"""JSON objects of a caller's own shape: stored as they are, so their size, depth and numbers are bounded."""

from typing import Any

import orjson
from pydantic_core import PydanticCustomError

OBJECT_BYTES_MAX = 10 * 1024
# The largest integer that every JSON parser reads exactly.
NUMBER_MAX = 2**63


def check_object(value: Any) -> Any:
    # Numbers are checked first: a larger one could be stored but not be serialised again.
    if _has_large_number(value):
        raise PydanticCustomError("number_too_large", "contains a number beyond 64 bits")
    if len(orjson.dumps(value)) > OBJECT_BYTES_MAX:
        raise PydanticCustomError("object_too_large", f"has more than {OBJECT_BYTES_MAX} bytes as JSON")
    return value


def _has_large_number(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_has_large_number(one) for one in value.values())
    if isinstance(value, list):
        return any(_has_large_number(one) for one in value)
    return isinstance(value, int | float) and abs(value) >= NUMBER_MAX
