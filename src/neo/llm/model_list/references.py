"""A key by reference: `env:NAME` or `file:/path`, so that no file of settings holds a secret."""

from collections.abc import Mapping
from pathlib import Path

from neo.kit import hide

FORM = "`env:NAME` or `file:/path`, never the key itself"
# A key is a line; a file that is longer is another one.
_KEY_CHARACTERS_MAX = 8_192


class KeyMissingError(Exception):
    """Says why a reference leads to no key. It names the reference and never what was found."""


def is_reference(text: str) -> bool:
    kind, _, rest = text.partition(":")
    return (kind == "env" and rest.isascii() and rest.isidentifier()) or (
        kind == "file" and rest.startswith("/")
    )


def fetched(reference: str, environment: Mapping[str, str]) -> str:
    kind, _, rest = reference.partition(":")
    key = (environment.get(rest, "") if kind == "env" else _read(Path(rest))).strip()
    if not key:
        raise KeyMissingError(f"`{reference}` is not set" if kind == "env" else f"`{reference}` is empty")
    # A key stands in a header of the call.
    if len(key) > _KEY_CHARACTERS_MAX or not key.isascii() or not key.isprintable():
        raise KeyMissingError(f"what `{reference}` holds is no key: it must be one line of ASCII")
    hide([key])
    return key


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise KeyMissingError(f"`file:{path}` cannot be read: {reason}") from error
