"""From what the libraries raise to what Neo says."""

from math import ceil, isfinite

from pydantic_ai.exceptions import (
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelContextWindowExceededError,
    ModelHTTPError,
    ModelNotFoundError,
    ModelQuotaExceededError,
    ModelRateLimitError,
    ModelRequestRejectedError,
    ModelRequestTimeout,
    ModelTimeoutError,
)

from neo.errors import Failure
from neo.llm.errors import (
    ContentFiltered,
    PromptTooLong,
    ProviderIncomplete,
    ProviderMisconfigured,
    ProviderRateLimited,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
    ResponseForgotten,
)

# A turn holds its session while it waits; a provider that asks for longer is treated as if it had not.
_RETRY_AFTER_SECONDS_MAX = 60

_OVERLOADED = 529
_TOO_LARGE = 413
# Request timeout, lock conflict, too early: the providers' own libraries send these calls again.
_TRANSIENT = frozenset({408, 409, 425})
_SERVER_ERRORS = range(500, 600)
_FILTER_CODES = frozenset(
    {"content_filter", "content_policy_violation", "responsible_ai_policy_violation", "invalid_prompt"}
)


def failure(error: Exception, *, is_continued: bool) -> Failure:
    """The failure that an error of the library, or of the stream itself, stands for."""
    if isinstance(error, ModelConnectionError):
        return _connection_failure(error)
    if isinstance(error, TimeoutError | ModelRequestTimeout):
        return ProviderTimeout()
    if isinstance(error, ModelAPIError):
        return _reported_failure(error, is_continued=is_continued)
    # A stream that the library could not read: garbage, or the end before a beginning.
    return ProviderIncomplete()


def _connection_failure(error: ModelConnectionError) -> Failure:
    if error.phase in ("pool", "connect", "write"):
        return ProviderUnavailable()
    return ProviderTimeout() if isinstance(error, ModelTimeoutError) else ProviderIncomplete()


def _reported_failure(error: ModelAPIError, *, is_continued: bool) -> Failure:
    if is_continued and _is_about_continuing(error):
        return ResponseForgotten()
    if isinstance(error, ModelContextWindowExceededError) or _status(error) == _TOO_LARGE:
        return PromptTooLong()
    if error.provider_error_code in _FILTER_CODES:
        return ContentFiltered()
    if isinstance(error, ModelRateLimitError) or _status(error) == _OVERLOADED:
        return ProviderRateLimited(retry_after_seconds=_retry_after_seconds(error))
    # Credit that has run out is the operator's to refill, like a key that has expired.
    if isinstance(error, ModelAuthenticationError | ModelNotFoundError | ModelQuotaExceededError):
        return ProviderMisconfigured()
    return _other_failure(error)


def _other_failure(error: ModelAPIError) -> Failure:
    status = _status(error)
    if isinstance(error, ModelRequestRejectedError):
        return ProviderRejected()
    # An error event under HTTP 200, or one of the library's own about a stream that broke off.
    if error.in_stream or status is None:
        return ProviderIncomplete()
    if status in _SERVER_ERRORS or status in _TRANSIENT:
        return ProviderUnavailable(retry_after_seconds=_retry_after_seconds(error))
    return ProviderRejected()


def _is_about_continuing(error: ModelAPIError) -> bool:
    """Whether the same message with its transcript may pass.

    Providers forget, refuse to continue what they may not store, and cannot leave out the oldest exchanges of
    what they remember when it has outgrown the model.
    """
    if isinstance(error, ModelContextWindowExceededError):
        return True
    body = error.body if isinstance(error.body, dict) else {}
    about = body.get("param") == "previous_response_id"
    return about or error.provider_error_code == "previous_response_not_found"


def _status(error: ModelAPIError) -> int | None:
    return error.status_code if isinstance(error, ModelHTTPError) else None


def _retry_after_seconds(error: ModelAPIError) -> int | None:
    seconds = error.retry_after
    if seconds is None or not isfinite(seconds):
        return None
    return min(max(ceil(seconds), 0), _RETRY_AFTER_SECONDS_MAX)
