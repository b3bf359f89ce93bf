"""API keys: `neo_sk_<env>_<43 base62 characters><6-character CRC-32>`."""

import hmac
import re
import secrets
import zlib
from dataclasses import dataclass

from neo.kit import api_key_pepper

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# 43 base62 characters carry 256 bits; the checksum exposes a typo without a query, and lets scanners find leaked keys.
SECRET_CHARACTERS = 43
CHECKSUM_CHARACTERS = 6
KEY_PREFIX = "neo_sk_"
HINT_CHARACTERS = 4
SHAPE = re.compile(r"neo_sk_([a-z0-9]{1,16})_([0-9A-Za-z]{49})", re.ASCII)


@dataclass(frozen=True)
class KeyFormat:
    """The keys of one environment; a key of another (`test` on `live`) is refused without a query."""

    environment: str

    def is_wellformed(self, key: str) -> bool:
        found = SHAPE.fullmatch(key)
        if found is None or found[1] != self.environment:
            return False
        return hmac.compare_digest(checksum(key[:-CHECKSUM_CHARACTERS]), key[-CHECKSUM_CHARACTERS:])


class Pepper:
    """Computes the HMAC that is stored instead of a key. During a rotation there are two secrets: new keys use the
    first one.
    """

    def __init__(self, secret_keys: tuple[str, ...]) -> None:
        self._secrets = [api_key_pepper(secret) for secret in secret_keys]

    def digest(self, key: str) -> bytes:
        return self.digests(key)[0]

    def digests(self, key: str) -> list[bytes]:
        return [hmac.digest(secret, key.encode(), "sha256") for secret in self._secrets]


def new_key(environment: str) -> str:
    secret = "".join(secrets.choice(ALPHABET) for _ in range(SECRET_CHARACTERS))
    body = f"neo_sk_{environment}_{secret}"
    return body + checksum(body)


def checksum(body: str) -> str:
    number = zlib.crc32(body.encode())
    characters = ""
    for _ in range(CHECKSUM_CHARACTERS):
        number, digit = divmod(number, len(ALPHABET))
        characters = ALPHABET[digit] + characters
    return characters
