"""AES-256-GCM of the library `cryptography`, with what the sealed bytes are bound to."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from neo.vault.errors import SecretUnreadable

DATA_KEY_BYTES = 32
NONCE_BYTES = 12
# Of the layout `1, nonce, ciphertext with its tag`: another one will have another number.
LAYOUT = b"\x01"


def new_data_key() -> bytes:
    return os.urandom(DATA_KEY_BYTES)


def seal(key: bytes, plain: bytes, *, bound_to: bytes) -> bytes:
    """Nonces are random: a key may seal 2**32 times before two are likely to be the same."""
    nonce = os.urandom(NONCE_BYTES)
    return LAYOUT + nonce + AESGCM(key).encrypt(nonce, plain, bound_to)


def unseal(key: bytes, sealed: bytes, *, bound_to: bytes) -> bytes:
    """Raises `SecretUnreadable` unless these are the bytes that this key has sealed, bound to the same."""
    start = len(LAYOUT) + NONCE_BYTES
    try:
        if sealed[: len(LAYOUT)] != LAYOUT:
            raise SecretUnreadable
        return AESGCM(key).decrypt(sealed[len(LAYOUT) : start], sealed[start:], bound_to)
    except (InvalidTag, ValueError) as error:
        raise SecretUnreadable from error
