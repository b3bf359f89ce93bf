"""From an error of a call to the failure that Neo reports."""

import re

import httpx2

from neo.errors import Failure
from neo.llm.errors import (
    ContentFiltered,
    ImagesNotSupported,
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
from neo.llm.healing.refusal import About, Refusal
from neo.llm.transport.provider_error import ProviderError
from neo.llm.transport.refusal import GONE, NOT_CONTINUED, SERVER_ERRORS, TOO_LARGE, TRANSIENT, WORDS_COUNT
from neo.llm.transport.row import Said
from neo.llm.transport.words import said_in

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

# 498 is Groq's.
_BUSY = frozenset({429, 498, 529})
# No such key, no credit, not allowed, no such model: only the operator can put it right.
_MISCONFIGURED = frozenset({401, 402, 403, 404})
# What is in the prompt may be why, in words that are not known.
_REJECTED = frozenset({400, 422})
_ERRORS_FROM = 400
# They say that a limit is reached: one for which waiting helps, or one that the operator has to raise.
_QUOTA = frozenset({402, 429})

_REFUSED: dict[About, type[ProviderFailure]] = {
    About.LENGTH: PromptTooLong,
    About.IMAGES: ImagesNotSupported,
}
_FINAL: dict[Said, type[ProviderFailure]] = {
    Said.CONTENT: ContentFiltered,
    Said.OPERATOR: ProviderMisconfigured,
}
_PASSING: dict[Said, type[ProviderFailure]] = {
    Said.BUSY: ProviderRateLimited,
    Said.OVERLOADED: ProviderUnavailable,
}
# A shorter message may stand by chance in the provider's own words.
_QUOTED_CHARACTERS_LEAST = 16
# A model that is called by a word alone may be called `vision`, which a refusal of images has too.
_NAME = re.compile(r"[a-z].*[\d-]|[\d-].*[a-z]")
# What was said before may be refused for these, or for how it was sent.
_OF_WHAT_IS_KEPT = frozenset(
    {
        About.LENGTH,
        About.IMAGES,
        About.ONE_IMAGE,
        About.PLAIN_TEXT,
        About.STORE,
        About.CALLS,
        About.SYSTEM_ROLE,
    }
)
_FORGOTTEN_CODE = "previous_response_not_found"


def failure(error: Exception, *, is_continued: bool, message: str = "", model: str = "") -> Failure:
    """The failure for an error of the provider, of the connection to it, or of its stream. What it quotes of the
    message counts for nothing, nor does the model's name.
    """
    if isinstance(error, ProviderError):
        said = _said(error, _own_words(error.words, message.lower(), model.lower()))
        return _provider_failure(error, said, is_continued=is_continued)
    if isinstance(error, _UNREACHED):
        return ProviderUnavailable()
    if isinstance(error, _UNUSABLE):
        return ProviderMisconfigured()
    if isinstance(error, TimeoutError | httpx2.TimeoutException):
        return ProviderTimeout()
    # The connection broke, or the stream cannot be read.
    return ProviderIncomplete()


def _provider_failure(error: ProviderError, said: Said | Refusal | None, *, is_continued: bool) -> Failure:
    if said is None and error.status == TOO_LARGE:
        said = Refusal(About.LENGTH)
    refusal = said if isinstance(said, Refusal) else None
    if is_continued and _is_about_continuing(error, said):
        is_known = refusal is not None or error.code == _FORGOTTEN_CODE or error.status == GONE
        return ResponseForgotten(keeps_responses=is_known, refusal=refusal)
    if refusal is not None:
        return _REFUSED.get(refusal.about, ProviderRejected)(refusal=refusal)
    if isinstance(said, Said) and said in _FINAL:
        return _FINAL[said]()
    if isinstance(said, Said) and said in _PASSING and error.status not in _BUSY:
        return _PASSING[said](retry_after_seconds=error.retry_after_seconds)
    return _failure_by_status(error)


def _own_words(words: str, message: str, model: str) -> str:
    if len(message) >= _QUOTED_CHARACTERS_LEAST:
        words = words.replace(message, "")
    # The longest first, since each is a part of the one before.
    last = model.rpartition("/")[2]
    for name in (model, model.partition(":")[0], last, last.partition(":")[0]):
        if _NAME.search(name):
            words = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", "", words)
    return words


def _said(error: ProviderError, words: str) -> Said | Refusal | None:
    said = said_in(words)
    if error.status in _QUOTA:
        return said if said is Said.OPERATOR else None
    if error.in_stream or error.status in WORDS_COUNT:
        return said
    # A gateway's page has no code.
    said = said_in((error.code or "").lower())
    return said if error.status in SERVER_ERRORS and isinstance(said, Refusal) else None


def _failure_by_status(error: ProviderError) -> ProviderFailure:
    status, wait_seconds = error.status, error.retry_after_seconds
    if status in _BUSY:
        return ProviderRateLimited(retry_after_seconds=wait_seconds)
    if status in _MISCONFIGURED:
        return ProviderMisconfigured()
    if status in _REJECTED:
        return ProviderRejected(refusal=Refusal(About.UNEXPLAINED))
    # A redirection is no answer of the provider either.
    if status is None or status < _ERRORS_FROM:
        return ProviderIncomplete()
    if status in SERVER_ERRORS or status in TRANSIENT:
        return ProviderUnavailable(retry_after_seconds=wait_seconds)
    return ProviderRejected()


def _is_about_continuing(error: ProviderError, said: Said | Refusal | None) -> bool:
    """Whether the same message with the transcript may succeed: a provider forgets responses, or may not keep them, and
    what it kept may have outgrown the model.
    """
    if isinstance(said, Refusal):
        return said.about in _OF_WHAT_IS_KEPT
    is_forgotten = said is Said.FORGOTTEN or error.code == _FORGOTTEN_CODE
    return is_forgotten or (said is None and error.status in NOT_CONTINUED)
