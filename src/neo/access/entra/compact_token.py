"""Parses a signed token strictly: what two parsers could read differently is refused."""

import base64
import json
import re
from typing import Any

# Entra's have 1,500 to 3,000 characters; one of more than 200 groups refers to a list of them instead.
TOKEN_CHARACTERS_MAX = 8192
# joserfc's own bound on the header.
HEADER_CHARACTERS_MAX = 512
SHAPE = re.compile(r"([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)


class NotReadable(ValueError):
    """Not a signed token in compact form, or one that two parsers could read differently."""


def read_header(token: str) -> dict[str, Any]:
    """The header of a token in compact form. Nothing in it is verified yet."""
    shape = SHAPE.fullmatch(token) if len(token) <= TOKEN_CHARACTERS_MAX else None
    if shape is None or len(shape[1]) > HEADER_CHARACTERS_MAX:
        raise NotReadable
    try:
        raw = base64.urlsafe_b64decode(shape[1] + "=" * (-len(shape[1]) % 4))
    except ValueError as error:
        raise NotReadable from error
    return read_object(raw)


def read_object(raw: bytes) -> dict[str, Any]:
    """A JSON object without repeated keys, `NaN` or `Infinity`."""
    try:
        found = json.loads(raw.decode(), object_pairs_hook=_without_repeats, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise NotReadable from error
    if not isinstance(found, dict):
        raise NotReadable
    return found


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotReadable
    return found


def _refuse(_: str) -> Any:
    raise NotReadable
