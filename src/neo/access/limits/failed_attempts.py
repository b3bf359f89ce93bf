"""Limits wrong credentials by address, so that guessing is slow."""

from ipaddress import IPv6Address, ip_address

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from neo.access.errors import TooManyFailedAttempts

WINDOW_SECONDS = 60
# Whoever has one IPv6 address controls its whole /64.
IPV6_PREFIX_BITS = 64


class FailedAttempts:
    """Each process counts alone, so that a flood of guesses does not reach Valkey.

    Only wrong credentials are counted and refused; a good one from the same address is served.
    """

    def __init__(self, attempts_per_minute: int) -> None:
        self._item = RateLimitItemPerMinute(attempts_per_minute) if attempts_per_minute else None
        self._window = MovingWindowRateLimiter(MemoryStorage())

    async def count(self, address: str) -> None:
        if self._item is not None and not await self._window.hit(self._item, _network(address)):
            raise TooManyFailedAttempts(
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
