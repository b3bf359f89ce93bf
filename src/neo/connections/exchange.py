"""What is known of one request and its answer, beside what the library is told."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx2

from neo.connections.outcome import Ending
from neo.connections.tokens import TokenRefused
from neo.egress import EgressRateLimited, EgressRefused, EgressTimeout, EgressTooLarge
from neo.errors import Failure

UNAUTHORIZED, FORBIDDEN, TOO_MANY, SERVER_ERROR = 401, 403, 429, 500
RETRY_SECONDS_MAX = 3600.0
CHALLENGE_CHARACTERS_MAX = 1024
# How each failure of a call to the outside ends it.
_ENDINGS: Mapping[type[Failure], Ending] = {
    EgressRefused: Ending.REFUSED,
    EgressRateLimited: Ending.REFUSED,
    EgressTooLarge: Ending.TOO_LARGE,
    EgressTimeout: Ending.TIMED_OUT,
    TokenRefused: Ending.NEEDS_AUTH,
}


@dataclass(slots=True)
class Exchange:
    headers: Mapping[str, str] = field(default_factory=dict)
    """Sent with the request, beside those of the protocol."""
    is_sent: bool = False
    is_refused: bool = False
    """Whether an answer came that says why it could not be done. What the protocol's library makes of another is not
    the server's word.
    """
    status: int | None = None
    challenge: str | None = None
    retry_after_seconds: float | None = None
    ending: Ending | None = None
    """Set by what went wrong first."""
    detail: str = ""
    code: str | None = None

    @property
    def is_final(self) -> bool:
        """Whether to ask in another way would end in the same way."""
        return self.ending is Ending.NEEDS_AUTH or (self.ending is not None and self.status is None)

    def note_sent(self) -> None:
        self.is_sent = True

    def note_answer(self, *, is_error: bool) -> None:
        self.is_refused = is_error

    def note_retry(self, seconds: float | None) -> None:
        self.retry_after_seconds = seconds

    def note_status(self, status: int) -> None:
        self.status = status

    def fail(self, ending: Ending, detail: str, code: str | None = None) -> None:
        if self.ending is None:
            self.ending, self.detail, self.code = ending, detail, code

    def read_status(self, response: httpx2.Response) -> None:
        self.status = response.status_code
        if response.status_code in (UNAUTHORIZED, FORBIDDEN):
            self.challenge = response.headers.get("www-authenticate", "")[:CHALLENGE_CHARACTERS_MAX] or None
            self.fail(Ending.NEEDS_AUTH, f"The server answered {response.status_code}.")
        elif response.status_code == TOO_MANY or response.status_code >= SERVER_ERROR:
            self.retry_after_seconds = _seconds(response.headers.get("retry-after"))
            wait = self.retry_after_seconds
            later = f" It wants to be asked again in {wait:g} s." if wait else ""
            self.fail(Ending.UNREACHABLE, f"The server answered {response.status_code}.{later}")


@contextmanager
def noted(exchange: Exchange) -> Iterator[None]:
    """Notes what goes wrong instead of raising it."""
    try:
        yield
    except tuple(_ENDINGS) as failure:
        exchange.note_retry(failure.retry_after_seconds)
        # What is refused after it was sent is the answer.
        is_answer = exchange.is_sent and isinstance(failure, EgressRefused)
        exchange.fail(
            Ending.PROTOCOL_BROKEN if is_answer else _ENDINGS[type(failure)], failure.message, failure.code
        )
    except httpx2.TimeoutException:
        exchange.fail(
            Ending.TIMED_OUT if exchange.is_sent else Ending.UNREACHABLE, "The server did not answer in time."
        )
    except (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL, OSError):
        words = "closed the connection" if exchange.is_sent else "cannot be reached"
        exchange.fail(Ending.UNREACHABLE, f"The server {words}.")


def _seconds(value: str | None) -> float | None:
    return min(float(value), RETRY_SECONDS_MAX) if value and value.isascii() and value.isdecimal() else None
