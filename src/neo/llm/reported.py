"""What a provider says went wrong, whether it answers with it or breaks a stream off with it."""

from contextlib import aclosing
from typing import Any

import httpx2
import orjson

from neo.llm.reading import short_name
from neo.llm.retry_after import retry_after_seconds

# What is told of an error is a few lines; the rest of a longer page is of no use.
ERROR_BYTES_MAX = 64 * 1024

# In a stream an error comes without its status. These are the ones that the same code has in an answer.
_STATUSES = {
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
    "too_many_requests": 429,
}


class Reported(Exception):
    """`status` is the answer's, or the one that the error would have had as an answer, where that is clear."""

    def __init__(
        self, error: Any, *, status: int | None, in_stream: bool, retry_after_seconds: int | None = None
    ) -> None:
        said = error if isinstance(error, dict) else {}
        self.code, self.type, self.param = (_word(said, name) for name in ("code", "type", "param"))
        message = said.get("message")
        self.message = message if isinstance(message, str) else ""
        self.status = status
        self.in_stream = in_stream
        self.retry_after_seconds = retry_after_seconds
        # The message may quote what was asked, which is nothing for a log.
        super().__init__(f"status={status} code={self.code!r} type={self.type!r} in_stream={in_stream}")


def reported_in_stream(error: Any) -> Reported:
    plain = Reported(error, status=None, in_stream=True)
    return Reported(error, status=_status(plain.code) or _status(plain.type), in_stream=True)


async def reported_by(response: httpx2.Response) -> Reported:
    body = bytearray()
    try:
        async with aclosing(response.aiter_bytes()) as chunks:
            async for chunk in chunks:
                body += chunk
                if len(body) > ERROR_BYTES_MAX:
                    break
        said = orjson.loads(body)
    except (httpx2.HTTPError, orjson.JSONDecodeError):
        # The status says enough.
        said = None
    error = said.get("error", said) if isinstance(said, dict) else None
    wait_seconds = retry_after_seconds(response.headers)
    return Reported(error, status=response.status_code, in_stream=False, retry_after_seconds=wait_seconds)


def _word(said: dict[str, Any], name: str) -> str | None:
    value = said.get(name)
    return short_name(str(value)) if isinstance(value, str | int) else None


def _status(word: str | None) -> int | None:
    if word is None:
        return None
    # Gateways give the status itself as the code.
    is_status = len(word) == 3 and word.isdecimal() and word[0] in "45"  # noqa: PLR2004
    return int(word) if is_status else _STATUSES.get(word)
