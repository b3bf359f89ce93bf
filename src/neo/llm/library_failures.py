"""From what a provider's library raises to what Neo says."""

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
)
from neo.llm.failures import FILTER_CODES, SERVER_ERRORS, TOO_LARGE, TRANSIENT
from neo.llm.retry_after import capped

_OVERLOADED = 529


def library_failure(error: Exception) -> Failure:
    """The failure that an error of the library, or of the stream itself, stands for."""
    if isinstance(error, ModelConnectionError):
        return _connection_failure(error)
    if isinstance(error, TimeoutError | ModelRequestTimeout):
        return ProviderTimeout()
    if isinstance(error, ModelAPIError):
        return _reported_failure(error)
    # A stream that the library could not read: garbage, or the end before a beginning.
    return ProviderIncomplete()


def _connection_failure(error: ModelConnectionError) -> Failure:
    if error.phase in ("pool", "connect", "write"):
        return ProviderUnavailable()
    return ProviderTimeout() if isinstance(error, ModelTimeoutError) else ProviderIncomplete()


def _reported_failure(error: ModelAPIError) -> Failure:
    if isinstance(error, ModelContextWindowExceededError) or _status(error) == TOO_LARGE:
        return PromptTooLong()
    if error.provider_error_code in FILTER_CODES:
        return ContentFiltered()
    if isinstance(error, ModelRateLimitError) or _status(error) == _OVERLOADED:
        return ProviderRateLimited(retry_after_seconds=capped(error.retry_after))
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
    if status in SERVER_ERRORS or status in TRANSIENT:
        return ProviderUnavailable(retry_after_seconds=capped(error.retry_after))
    return ProviderRejected()


def _status(error: ModelAPIError) -> int | None:
    return error.status_code if isinstance(error, ModelHTTPError) else None
