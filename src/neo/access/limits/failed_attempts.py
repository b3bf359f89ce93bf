"""Limits wrong credentials by address, so that guessing is slow."""

from collections import OrderedDict
from hashlib import blake2b
from ipaddress import IPv6Address, ip_address
from secrets import token_bytes

from limits import RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from neo.access.errors import TooManyFailedAttempts

WINDOW_SECONDS = 60
# Whoever has one IPv6 address controls its whole /64.
IPV6_PREFIX_BITS = 64
# Of credentials that were good, by their digests: 10 MB at most.
GOOD_MAX = 50_000
DIGEST_BYTES = 16
# From an address with too many wrong ones, something that was not good before.
LOOKED_UP_MAX = 10
LOOKED_UP = RateLimitItemPerSecond(LOOKED_UP_MAX)


class FailedAttempts:
    """Each process counts alone, so that a flood of guesses does not reach Valkey.

    From an address with too many, only what was good before is looked up, and ten times a second something else:
    whoever shares the address is served, and a flood does not reach the database.
    """

    def __init__(self, attempts_per_minute: int) -> None:
        self._item = RateLimitItemPerMinute(attempts_per_minute)
        self._window = MovingWindowRateLimiter(MemoryStorage())
        self._good: OrderedDict[bytes, None] = OrderedDict()
        # Credentials are not kept, and nobody chooses which of their digests collide.
        self._secret = token_bytes(DIGEST_BYTES)

    async def check(self, address: str, credential: str) -> None:
        """Refuse what need not be looked up."""
        if await self._window.test(self._item, _network(address)):
            return
        if self._digest(credential) in self._good:
            return
        if not await self._window.hit(LOOKED_UP, _network(address)):
            raise _too_many()

    def note_good(self, credential: str) -> None:
        """Called with each request, so that the oldest are those that nobody uses any more."""
        digest = self._digest(credential)
        self._good[digest] = None
        self._good.move_to_end(digest)
        if len(self._good) > GOOD_MAX:
            self._good.popitem(last=False)

    async def count(self, address: str) -> None:
        if not await self._window.hit(self._item, _network(address)):
            raise _too_many()

    def _digest(self, credential: str) -> bytes:
        return blake2b(
            credential.encode("utf-8", "surrogatepass"), key=self._secret, digest_size=DIGEST_BYTES
        ).digest()


def _too_many() -> TooManyFailedAttempts:
    return TooManyFailedAttempts(
        f"Too many wrong credentials from this address: wait {WINDOW_SECONDS} s.",
        retry_after_seconds=WINDOW_SECONDS,
    )


def _network(address: str) -> str:
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address):
        return str(found.ipv4_mapped or int(found) >> (128 - IPV6_PREFIX_BITS))
    return str(found)
