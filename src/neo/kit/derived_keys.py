"""The one place where keys are derived from the server's secret, `NEO_SECRET_KEY`: each purpose has its own.

None of them tells anything of the others or of the secret, as long as that cannot be guessed.
"""

import hashlib
from enum import StrEnum

KEY_BYTES = 32


class KeyPurpose(StrEnum):
    """What a key is for. The value goes into its derivation: whoever changes it changes the key."""

    SESSION_TOKENS = "neo session tokens v2"
    SIGNED_URLS = "neo signed urls v2"
    KEY_WRAPPING = "neo key wrapping v1"
    KEY_WRAPPING_NAME = "neo key wrapping name v1"


def derived_key(secret: str, purpose: KeyPurpose) -> bytes:
    """By HKDF with SHA-256. It has no salt, because the secret is random already, or refused (`guessing_bits`)."""
    # Every command imports this package, and few of them derive a key.
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415

    hkdf = HKDF(SHA256(), length=KEY_BYTES, salt=None, info=purpose.encode())
    return hkdf.derive(secret.encode())


def api_key_pepper(secret: str) -> bytes:
    """Not by HKDF: the digests of all keys that were ever made depend on this derivation, and no key is stored that
    another digest could be made of. Its label keeps it apart from the others.
    """
    return hashlib.sha256(b"neo api-key pepper\0" + secret.encode()).digest()


def former_session_token_key(secret: str) -> bytes:
    """What session tokens were signed with before there was `KeyPurpose.SESSION_TOKENS`. They end within a day."""
    return hashlib.sha256(b"neo session tokens\0" + secret.encode()).digest()
