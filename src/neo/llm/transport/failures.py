"""From an error of a call to the failure that Neo reports."""

import httpx2

from neo.errors import Failure
from neo.llm.errors import (
    ContentFiltered,
    PromptTooLong,
    ProviderFailure,
    ProviderIncomplete,
    ProviderMisconfigured,
    ProviderRateLimited,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
    ResponseForgotten,
)
from neo.llm.transport.provider_error import ProviderError
from neo.llm.transport.refusal import FILTER_CODES, SERVER_ERRORS, TOO_LARGE, TRANSIENT

# The call never reached the provider.
_UNREACHED = (
    httpx2.PoolTimeout,
    httpx2.ConnectTimeout,
    httpx2.ConnectError,
    httpx2.WriteTimeout,
    httpx2.WriteError,
)
# An address or a key that no call can be made with.
_UNUSABLE = (httpx2.InvalidURL, httpx2.UnsupportedProtocol, httpx2.LocalProtocolError)

_BUSY = frozenset({429, 529})
# No such key, no credit, not allowed, no such model: only the operator can put it right.
_MISCONFIGURED = frozenset({401, 402, 403, 404})
_REJECTED = frozenset({400, 422})
_ERRORS_FROM = 400

_TOO_LONG_CODE = "context_length_exceeded"
# Servers without that code write one of these.
_TOO_LONG_WORDS = (
    "maximum context length",
    "reduce the length of the messages",
    "prompt is too long",
    "exceed context limit",
)
# They come with the status of a rate limit, but waiting does not help.
_OPERATORS_CODES = frozenset(
    {
        "insufficient_quota",
        "billing_hard_limit_reached",
        "credit_balance_exhausted",
        "organization_spend_limit_exceeded",
        "project_spend_limit_exceeded",
        "organization_usage_limit_exceeded",
        "model_not_found",
        "invalid_api_key",
    }
)


def failure(error: Exception, *, is_continued: bool) -> Failure:
    """The failure for an error of the provider, of the connection to it, or of its stream."""
    if isinstance(error, ProviderError):
        return _provider_failure(error, is_continued=is_continued)
    if isinstance(error, _UNREACHED):
        return ProviderUnavailable()
    if isinstance(error, _UNUSABLE):
        return ProviderMisconfigured()
    if isinstance(error, TimeoutError | httpx2.TimeoutException):
        return ProviderTimeout()
    # The connection broke, or the stream cannot be read.
    return ProviderIncomplete()


def _provider_failure(error: ProviderError, *, is_continued: bool) -> Failure:
    is_too_long = error.code == _TOO_LONG_CODE or any(
        words in error.message.lower() for words in _TOO_LONG_WORDS
    )
    if is_continued and (is_too_long or _is_about_continuing(error)):
        return ResponseForgotten()
    if is_too_long or error.status == TOO_LARGE:
        return PromptTooLong()
    if error.code in FILTER_CODES:
        return ContentFiltered()
    if error.code in _OPERATORS_CODES or error.type in _OPERATORS_CODES:
        return ProviderMisconfigured()
    return _failure_by_status(error)


def _failure_by_status(error: ProviderError) -> ProviderFailure:
    status, wait_seconds = error.status, error.retry_after_seconds
    if status in _BUSY:
        return ProviderRateLimited(retry_after_seconds=wait_seconds)
    if status in _MISCONFIGURED:
        return ProviderMisconfigured()
    if status in _REJECTED:
        return ProviderRejected()
    # A redirection is no answer of the provider either.
    if status is None or status < _ERRORS_FROM:
        return ProviderIncomplete()
    if status in SERVER_ERRORS or status in TRANSIENT:
        return ProviderUnavailable(retry_after_seconds=wait_seconds)
    return ProviderRejected()


def _is_about_continuing(error: ProviderError) -> bool:
    """Whether the same message with the transcript may succeed: a provider forgets responses, or may not store
    them.
    """
    return error.param == "previous_response_id" or error.code == "previous_response_not_found"
