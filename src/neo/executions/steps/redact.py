"""Takes secrets out of what tools were given and answered: by the names that they have, and by their known values."""

import re
from itertools import pairwise
from typing import Any

from neo.kit import HIDDEN, redacted

# A name's words, as `api_key`, `apiKey` and `API-Key` have them.
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
SECRET_WORDS = frozenset(
    {"password", "passwd", "pwd", "passphrase", "passcode", "secret", "token", "authorization", "cookie"}
    | {"credential", "credentials", "apikey", "otp", "bearer"}
)
SECRET_PAIRS = frozenset(
    {("api", "key"), ("access", "key"), ("private", "key"), ("account", "key"), ("shared", "key")}
)
# A count of tokens, and where the next page is, are no secrets.
HARMLESS_WORDS = frozenset(
    {"count", "counts", "limit", "max", "min", "used", "usage", "type", "next", "page", "id"}
)
# What a text, or JSON within one, calls by a name. Each piece is bounded, so that no text takes long.
NAMED_IN_TEXT = re.compile(
    r"""(["']?\b([A-Za-z][\w-]{0,60})["']?\s{0,3}[:=]\s{0,3})("(?:[^"\\]|\\.){1,4000}"|'[^'\n]{1,4000}'"""
    r"""|(?:(?:Bearer|Basic)\s{1,3})?[^\s"',;&}{\])(]{1,4000})"""
)
IN_URL = re.compile(r"(://[^\s:/@]{0,200}:)[^\s/@]{1,500}@")
SCHEME = re.compile(r"\b(Bearer|Basic)\s{1,3}[A-Za-z0-9._~+/=-]{8,4000}", re.IGNORECASE)


def is_secret_name(name: str) -> bool:
    words = [word.lower() for word in WORD.findall(name[:200])]
    if HARMLESS_WORDS & set(words):
        return False
    return bool(SECRET_WORDS & set(words)) or bool(SECRET_PAIRS & set(pairwise(words)))


def redact(value: Any) -> Any:
    """The same, with `***` in place of secrets."""
    if isinstance(value, dict):
        return {
            name: HIDDEN if is_secret_name(name) and _hides(one) else redact(one)
            for name, one in value.items()
        }
    if isinstance(value, list):
        return [redact(one) for one in value]
    return redact_text(value) if isinstance(value, str) else value


def redact_text(text: str) -> str:
    named = NAMED_IN_TEXT.sub(_without, IN_URL.sub(rf"\1{HIDDEN}@", redacted(text)))
    return SCHEME.sub(lambda found: f"{found[1]} {HIDDEN}", named)


def _hides(value: Any) -> bool:
    """Whether there is something to hide; that there is no password is worth to know."""
    return value is not None and not isinstance(value, bool) and value not in ("", [], {})


def _without(found: re.Match[str]) -> str:
    if not is_secret_name(found[2]):
        return found[0]
    quote = found[3][0] if found[3][0] in "\"'" else ""
    return f"{found[1]}{quote}{HIDDEN}{quote}"
