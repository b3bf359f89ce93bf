"""Keeps the secrets of this process out of what it shows: one room for every exit.

Whoever reads a secret of the operator's says so with `hide`; logs, traces and tracebacks pass through `redacted`. A
library's error may quote the header that it could not send, and a provider's the key that it was given. Like
instruments, the secrets live as long as the process, so this is a module.

Tenants choose theirs: one that reads like an event or somebody's id would blind the operator's log. So theirs are
hidden in tracebacks (`redacted_traceback`), and by who calls with them in what was answered (`without`).
"""

import json
import sys
import traceback
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, unquote, urlsplit

HIDDEN = "***"
# What is shorter stands in words by chance, and its stars would tell where.
CHARACTERS_MIN = 8

# Those of tenants that were in use last: a few MB at most.
LATELY_MAX = 1_000

# Longest first, so that no part of a secret hides before the whole.
_hidden: list[str] = []
_lately: OrderedDict[str, None] = OrderedDict()


def hide(secrets: Iterable[str]) -> None:
    """Never show these from now on, nor as JSON or a URL spells them."""
    spelt = {form for secret in secrets for form in _forms(secret) if len(form) >= CHARACTERS_MIN}
    _hidden[:] = sorted({*_hidden, *spelt}, key=len, reverse=True)


def hide_lately(secret: str) -> None:
    """Never show this one in a traceback, until it was not in use for long."""
    if len(secret) >= CHARACTERS_MIN:
        _lately[secret] = None
        _lately.move_to_end(secret)
    if len(_lately) > LATELY_MAX:
        _lately.popitem(last=False)


def redacted(text: str) -> str:
    return _replaced(text, _hidden)


def redacted_traceback(text: str) -> str:
    return redacted(without(text, _lately))


def without(text: str, secrets: Iterable[str]) -> str:
    """The text without these, however it spells them."""
    asked = set(secrets)
    spelt = asked | {form for secret in asked for form in _forms(secret) if len(form) >= CHARACTERS_MIN}
    return _replaced(text, sorted(spelt, key=len, reverse=True))


def redact_line(_logger: object, _method: str, line: Any) -> str:
    """The last step of each line of the log."""
    return redacted(line)


def password_in(url: str) -> str | None:
    """The password of a URL, if it has one."""
    try:
        return urlsplit(url).password if "://" in url else None
    except ValueError:
        return None


def print_redacted(error: BaseException) -> None:
    """In place of Python's own last words for an error that nobody has caught."""
    sys.stderr.write(redacted_traceback("".join(traceback.format_exception(error))))


def _replaced(text: str, longest_first: Iterable[str]) -> str:
    for secret in longest_first:
        if secret in text:
            text = text.replace(secret, HIDDEN)
    return text


def _forms(secret: str) -> set[str]:
    return {secret, unquote(secret), quote(secret, safe=""), json.dumps(secret)[1:-1], repr(secret)[1:-1]}
