"""The error that a provider reports, as its HTTP answer or in the middle of a stream."""

import re
from collections.abc import Iterator
from contextlib import aclosing
from typing import Any

import httpx2
import orjson

from neo.llm.reading.event import short_name
from neo.llm.transport.refusal import retry_after_seconds

# An error is a few lines of JSON; the rest of a longer page is of no use.
ERROR_BYTES_MAX = 64 * 1024
# Longer than what any server says of a refusal. What follows may be the prompt, quoted.
WORDS_CHARACTERS_MAX = 4_000
# Gateways put the error of a server into their own, and some have JSON in its text.
_DEPTH_MAX = 6
# Fields that quote what was sent.
_QUOTES = frozenset({"input", "flagged_input", "ctx", "url", "body", "request", "prompt"})
# The same in a text of pydantic's.
_QUOTED = re.compile(r"input_value=.*?(?:, input_type=|$)", re.DOTALL)
# Numbers that are said as fields of their own, by llama.cpp.
_COUNTS = frozenset({"n_ctx", "n_prompt_tokens"})
# A number in one of these is no limit.
_CODES = frozenset({"code", "status", "status_code", "error_code"})

# What OpenAI says of an image that it cannot use.
_IMAGE_CODES = (
    "empty_image_file",
    "failed_to_download_image",
    "image_file_not_found",
    "image_file_too_large",
    "image_parse_error",
    "image_too_large",
    "image_too_small",
    "invalid_base64_image",
    "invalid_image",
    "invalid_image_format",
    "invalid_image_mode",
    "invalid_image_url",
    "unsupported_image_media_type",
)
# In a stream an error comes without a status. These are the statuses that the same codes have as an HTTP answer.
_STATUSES = {
    # OpenAI's.
    "rate_limit_exceeded": 429,
    "too_many_requests": 429,
    "server_is_overloaded": 503,
    "slow_down": 503,
    "vector_store_timeout": 504,
    **dict.fromkeys(_IMAGE_CODES, 400),
    # Anthropic's.
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
    # Of gateways.
    "not_found": 404,
    # MiniMax's.
    "1002": 429,
    "1004": 401,
    "1008": 402,
    "1039": 429,
}


class ProviderError(Exception):
    """`status` is that of the HTTP answer. For an error in a stream it is the one that its code has elsewhere, if
    known.
    """

    def __init__(
        self, error: Any, *, status: int | None, in_stream: bool, retry_after_seconds: int | None = None
    ) -> None:
        fields = error if isinstance(error, dict) else {}
        self.code, self.type, self.param = (_word(fields, name) for name in ("code", "type", "param"))
        self.words = _QUOTED.sub("", " ".join(_words(error)))[:WORDS_CHARACTERS_MAX].lower()
        self.status = status
        self.in_stream = in_stream
        self.retry_after_seconds = retry_after_seconds
        # The words may quote the prompt, which must not get into a log.
        super().__init__(f"status={status} code={self.code!r} type={self.type!r} in_stream={in_stream}")


def error_in_stream(error: Any) -> ProviderError:
    fields = error if isinstance(error, dict) else {}
    said = (_status(_word(fields, name)) for name in ("code", "type", "status"))
    return ProviderError(error, status=next(filter(None, said), None), in_stream=True)


async def error_of(response: httpx2.Response) -> ProviderError:
    body = bytearray()
    parsed: Any = None
    try:
        async with aclosing(response.aiter_bytes()) as chunks:
            async for chunk in chunks:
                body += chunk
                if len(body) > ERROR_BYTES_MAX:
                    break
        parsed = orjson.loads(body)
    except httpx2.HTTPError:
        # The status suffices.
        pass
    except orjson.JSONDecodeError:
        # Some servers say it in plain text. A page is a gateway's.
        parsed = None if body.lstrip().startswith(b"<") else body.decode(errors="replace")
    if isinstance(parsed, list) and parsed:
        # Gemini's answers are lists.
        parsed = parsed[0]
    error = parsed.get("error") or parsed if isinstance(parsed, dict) else parsed
    wait_seconds = retry_after_seconds(response.headers)
    return ProviderError(
        error, status=response.status_code, in_stream=False, retry_after_seconds=wait_seconds
    )


def _words(error: Any, depth: int = 0) -> Iterator[str]:
    """All that an error says, whatever its shape, but for what it quotes."""
    if isinstance(error, str):
        yield error[:WORDS_CHARACTERS_MAX]
    elif depth >= _DEPTH_MAX:
        return
    elif isinstance(error, dict):
        for name, value in error.items():
            if name in _COUNTS and isinstance(value, int):
                yield f"{name} {value}"
            elif name not in _QUOTES and not (name in _CODES and str(value).isdecimal()):
                yield from _words(value, depth + 1)
    elif isinstance(error, list):
        for one in error:
            yield from _words(one, depth + 1)


def _word(fields: dict[str, Any], name: str) -> str | None:
    value = fields.get(name)
    return short_name(str(value)) if isinstance(value, str | int) else None


def _status(word: str | None) -> int | None:
    if word is None:
        return None
    # Gateways give the status itself as the code.
    is_status = len(word) == 3 and word.isdecimal() and word[0] in "45"  # noqa: PLR2004
    return int(word) if is_status else _STATUSES.get(word)
