"""What may be an address, a header's name and a connection's name, before anything is asked of the network."""

import re

import httpx2
from pydantic_core import PydanticCustomError

from neo.connections.http_api.operation import HEADERS_RESERVED

ADDRESS = re.compile(r"https?://(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9.-]{1,253})(:[0-9]{1,5})?(/[!-~]*)?")
HEADER = re.compile(r"[A-Za-z0-9-]{1,64}")
NAME = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*")
# Before `__` and the tool's name in the 64 characters that providers take.
NAME_CHARACTERS_MAX = 24
PORT_MAX = 65_535
# The protocol's own, and how Neo sends a call's key; `Authorization` may carry a secret.
RESERVED = (HEADERS_RESERVED - {"authorization"}) | {"accept", "last-event-id"}


def checked_address(value: str) -> str:
    """An address without what hides another one. It has no query: that would be shown, and people put secrets there."""
    try:
        parsed = httpx2.URL(value) if ADDRESS.fullmatch(value) and not set(value) & set("?#\\") else None
        is_one = parsed is not None and bool(parsed.host) and (parsed.port or 1) <= PORT_MAX
    except (httpx2.InvalidURL, ValueError):
        is_one = False
    if not is_one:
        raise PydanticCustomError(
            "address",
            "is not an https address without a user name, a query and a fragment; secrets go into `secret`",
        )
    return value


def checked_header(value: str) -> str:
    name = value.lower()
    if not HEADER.fullmatch(value) or name in RESERVED or name.startswith(("mcp-", "proxy-", "sec-")):
        raise PydanticCustomError("header", "is not the name of a header that may be set")
    return value


def checked_company_header(value: str) -> str:
    """A header that signs in is none to say a company in."""
    if value.lower() in HEADERS_RESERVED:
        raise PydanticCustomError("header", "signs in, or is the protocol's own: a company is not said in it")
    return checked_header(value)


def checked_name(value: str) -> str:
    if not NAME.fullmatch(value):
        raise PydanticCustomError(
            "name",
            "has other characters than a-z, 0-9 and single - or _ between them, or begins with a digit",
        )
    return value
