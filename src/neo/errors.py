"""Failures: what Neo refuses, with messages that are safe to show."""

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar


class Kind(StrEnum):
    """What the caller can do about a failure. Each edge renders a kind in one place."""

    MALFORMED = "malformed"
    INVALID = "invalid"
    TOO_LARGE = "too_large"
    UNSUPPORTED = "unsupported"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    NOT_ALLOWED = "not_allowed"
    CONFLICT = "conflict"
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"


class Edge(StrEnum):
    """Where a failure is shown."""

    API = "api"
    TURN = "turn"
    COMMAND_LINE = "command_line"
    LOG = "log"


class Failure(Exception):
    """An expected refusal. `message` is safe to show; chain the cause for the log.

    A class with a code is its own entry in the catalogue, `docs/errors.md`: its docstring tells the user what it
    means, `remedy` what to do. Only a failure that appears in the log alone has no remedy.
    """

    kind: ClassVar[Kind]
    code: ClassVar[str]
    remedy: ClassVar[str]
    edges: ClassVar[tuple[Edge, ...]] = (Edge.API,)

    def __init__(
        self,
        message: str,
        *,
        details: Mapping[str, object] | None = None,
        retry_after_seconds: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.details = dict(details or {})
        self.retry_after_seconds = retry_after_seconds
