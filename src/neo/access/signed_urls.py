"""Signed URLs: each lets whoever has it do one thing to one object, until it expires."""

import base64
import hashlib
import hmac
import re
import time
from typing import NoReturn

from neo.errors import Failure, Kind
from neo.kit import KeyPurpose, derived_key

VERSION = "1"
# A longer life outlasts the reason for the URL; a purpose may allow more.
SECONDS_MAX = 24 * 3600
QUERY_BYTES_MAX = 200
KID_CHARACTERS = 8
# Each parameter has one spelling, so that one URL cannot be written in two ways.
SHAPES = {
    "v": re.compile(rb"1"),
    "expires": re.compile(rb"[1-9][0-9]{0,11}"),
    "kid": re.compile(rb"[0-9a-f]{8}"),
    "signature": re.compile(rb"[A-Za-z0-9_-]{43}"),
}


class InvalidSignature(Failure):
    """A signed URL was changed or has expired; or an upload came with another type than the granted one, after its
    session was archived, or after who asked for it had lost their access.
    """

    kind = Kind.FORBIDDEN
    code = "invalid_signature"
    remedy = "Ask for a new one, and use it unchanged."


class UrlSigner:
    """Signs and checks. Two secrets during rotation: the first one signs, both are accepted."""

    def __init__(self, secret_keys: tuple[str, ...]) -> None:
        keys = [derived_key(secret, KeyPurpose.SIGNED_URLS) for secret in secret_keys]
        self._keys = {_kid(key): key for key in keys}
        self._kid = _kid(keys[0])

    def sign(self, purpose: str, named: str, *, seconds: int) -> str:
        """The query that allows `purpose` on the object that is `named`, for so many seconds."""
        expires = str(int(time.time()) + seconds)
        signature = self._signature(self._kid, purpose, named, expires)
        return f"v={VERSION}&expires={expires}&kid={self._kid}&signature={signature}"

    def check(self, purpose: str, named: str, query: bytes, *, seconds_max: int = SECONDS_MAX) -> None:
        """Raises `InvalidSignature` unless this very query was signed for it and has not expired."""
        given = _parsed(query)
        if given["kid"] not in self._keys:
            _refuse()
        wanted = self._signature(given["kid"], purpose, named, given["expires"])
        if not hmac.compare_digest(wanted, given["signature"]):
            _refuse()
        if not 0 < int(given["expires"]) - time.time() <= seconds_max:
            _refuse()

    def _signature(self, kid: str, purpose: str, named: str, expires: str) -> str:
        # The key depends on the purpose, so a signature for one purpose is not valid for another.
        key = hmac.digest(self._keys[kid], purpose.encode(), "sha256")
        # The name comes last, because only it may contain a line break.
        signed = f"{VERSION}\n{purpose}\n{expires}\n{named}".encode("utf-8", "surrogatepass")
        return base64.urlsafe_b64encode(hmac.digest(key, signed, "sha256")).decode().rstrip("=")


def _parsed(query: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    if len(query) > QUERY_BYTES_MAX:
        _refuse()
    for pair in query.split(b"&"):
        raw, _, value = pair.partition(b"=")
        name = raw.decode("latin-1")
        if name in found or name not in SHAPES or not SHAPES[name].fullmatch(value):
            _refuse()
        found[name] = value.decode()
    if len(found) != len(SHAPES):
        _refuse()
    return found


def _kid(key: bytes) -> str:
    return hashlib.sha256(key).hexdigest()[:KID_CHARACTERS]


def _refuse() -> NoReturn:
    # One message for every reason, so that a forger learns nothing.
    raise InvalidSignature("This URL is not valid, or not any more: ask for a new one, and use it unchanged.")
