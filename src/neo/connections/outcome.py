"""How a call ended."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias


class Ending(StrEnum):
    OK = "ok"
    TOOL_ERROR = "tool_error"
    """The server says that it could not be done; `said` is the server's text, for the model to read as data."""
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    """The caller took it back."""
    UNREACHABLE = "unreachable"
    """No answer, or one that says that the server is down or wants to be asked later."""
    NEEDS_AUTH = "needs_auth"
    """The server does not accept what Neo signs in with, also after a fresh token."""
    TOO_LARGE = "too_large"
    PROTOCOL_BROKEN = "protocol_broken"
    """An answer came that is none."""
    REFUSED = "refused"
    """Neo does not make this call: the address may not be reached, or too many were made."""


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class Json:
    value: Any


@dataclass(frozen=True, slots=True)
class Bytes:
    data: bytes
    media_type: str


Content: TypeAlias = Text | Json | Bytes

TOO_MANY = 429
# With these it is known: the call was answered, or refused before it was looked at.
_KNOWN = (Ending.OK, Ending.TOOL_ERROR, Ending.NEEDS_AUTH, Ending.REFUSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    ending: Ending
    is_sent: bool
    """False: no byte of the call has left, so it had no effect."""
    content: tuple[Content, ...] = ()
    said: str = ""
    """The server's own words of what went wrong: data, not to be logged."""
    detail: str = ""
    """Neo's words for it, safe to show."""
    code: str | None = None
    """The code of Neo's own refusal, such as `egress_refused` or `token_refused`."""
    challenge: str | None = None
    """`WWW-Authenticate` of a 401 or 403."""
    status: int | None = None
    retry_after_seconds: float | None = None

    @property
    def is_ok(self) -> bool:
        return self.ending is Ending.OK

    @property
    def may_have_happened(self) -> bool:
        """Whether nobody knows if the call had its effect."""
        return self.is_sent and self.status != TOO_MANY and self.ending not in _KNOWN
