import time
from collections import OrderedDict

from neo.access.principal import Principal

# Long enough for somebody who talks; and it is a look-up that notes that the key is in use (`last_use.py`).
REMEMBERED_SECONDS = 30.0
# Keys in use at once, at half a kilobyte each.
REMEMBERED_MAX = 10_000


class RememberedKeys:
    """Whom keys belonged to when they were looked up, by what the database knows them by. Only ever a presumption."""

    def __init__(self, *, seconds: float = REMEMBERED_SECONDS) -> None:
        self._seconds = seconds
        # The one that was looked up last is the last.
        self._known: OrderedDict[bytes, tuple[Principal, float]] = OrderedDict()

    def remember(self, digest: bytes, principal: Principal) -> None:
        self._known[digest] = (principal, time.monotonic() + self._seconds)
        self._known.move_to_end(digest)
        if len(self._known) > REMEMBERED_MAX:
            self._known.popitem(last=False)

    def forget(self, digests: list[bytes]) -> None:
        for digest in digests:
            self._known.pop(digest, None)

    def find(self, digests: list[bytes]) -> tuple[Principal, bytes] | None:
        """Who it was, and by which of the digests."""
        for digest in digests:
            principal, until = self._known.get(digest, (None, 0.0))
            if principal is not None and time.monotonic() < until:
                return principal, digest
        return None
