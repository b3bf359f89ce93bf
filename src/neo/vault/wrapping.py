"""What wraps data keys: a key that is never in the database."""

from dataclasses import dataclass, field
from typing import Protocol

from neo.kit import KeyPurpose, derived_key
from neo.vault.errors import SecretUnreadable
from neo.vault.sealing import seal, unseal

NAME_BYTES = 8


@dataclass(frozen=True)
class Wrapped:
    """A data key that is wrapped, and the name of the key that did it."""

    by: str
    key: bytes = field(repr=False)


class KeyWrapping(Protocol):
    """A place that wraps data keys and opens them again: this process, or a key management service."""

    @property
    def newest(self) -> str:
        """The name of the key that wraps from now on."""

    def knows(self, name: str) -> bool:
        """Whether what the key of this name has wrapped can be opened."""

    async def wrap(self, data_key: bytes, *, bound_to: bytes) -> Wrapped: ...

    async def unwrap(self, wrapped: Wrapped, *, bound_to: bytes) -> bytes:
        """Raises `SecretUnreadable` for what it has not wrapped, bound to the same."""


class SecretKeyWrapping:
    """By keys derived from the values of `NEO_SECRET_KEY`: the first one wraps, all of them open."""

    def __init__(self, secret_keys: tuple[str, ...]) -> None:
        self._keys = {_name(secret): derived_key(secret, KeyPurpose.KEY_WRAPPING) for secret in secret_keys}
        self._newest = _name(secret_keys[0])

    @property
    def newest(self) -> str:
        return self._newest

    def knows(self, name: str) -> bool:
        return name in self._keys

    async def wrap(self, data_key: bytes, *, bound_to: bytes) -> Wrapped:
        return Wrapped(self._newest, seal(self._keys[self._newest], data_key, bound_to=bound_to))

    async def unwrap(self, wrapped: Wrapped, *, bound_to: bytes) -> bytes:
        if wrapped.by not in self._keys:
            raise SecretUnreadable
        return unseal(self._keys[wrapped.by], wrapped.key, bound_to=bound_to)


def _name(secret: str) -> str:
    return derived_key(secret, KeyPurpose.KEY_WRAPPING_NAME)[:NAME_BYTES].hex()
