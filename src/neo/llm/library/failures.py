"""From what the library raises to the failure that Neo reports."""

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
from neo.llm.transport.refusal import FILTER_CODES, SERVER_ERRORS, TOO_LARGE, TRANSIENT, capped

_OVERLOADED = 529


def library_failure(error: Exception) -> Failure:
    """The failure for an error of the library, or of the stream itself."""
    if isinstance(error, ModelConnectionError):
        return _connection_failure(error)
    if isinstance(error, TimeoutError | ModelRequestTimeout):
        return ProviderTimeout()
    if isinstance(error, ModelAPIError):
        return _provider_failure(error)
    # A stream that the library could not read: garbage, or an end before any event.
    return ProviderIncomplete()


def _connection_failure(error: ModelConnectionError) -> Failure:
    if error.phase in ("pool", "connect", "write"):
        return ProviderUnavailable()
    return ProviderTimeout() if isinstance(error, ModelTimeoutError) else ProviderIncomplete()


def _provider_failure(error: ModelAPIError) -> Failure:
    if isinstance(error, ModelContextWindowExceededError) or _status(error) == TOO_LARGE:
        return PromptTooLong()
    if error.provider_error_code in FILTER_CODES:
        return ContentFiltered()
    if isinstance(error, ModelRateLimitError) or _status(error) == _OVERLOADED:
        return ProviderRateLimited(retry_after_seconds=capped(error.retry_after))
    # Only the operator can refill a credit, or renew a key that has expired.
    if isinstance(error, ModelAuthenticationError | ModelNotFoundError | ModelQuotaExceededError):
        return ProviderMisconfigured()
    return _other_failure(error)


def _other_failure(error: ModelAPIError) -> Failure:
    status = _status(error)
    if isinstance(error, ModelRequestRejectedError):
        return ProviderRejected()
    # An error event under HTTP 200, or the library's own error about a stream that broke off.
    if error.in_stream or status is None:
        return ProviderIncomplete()
    if status in SERVER_ERRORS or status in TRANSIENT:
        return ProviderUnavailable(retry_after_seconds=capped(error.retry_after))
    return ProviderRejected()


def _status(error: ModelAPIError) -> int | None:
    return error.status_code if isinstance(error, ModelHTTPError) else None
