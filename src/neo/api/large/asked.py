"""How many of each tenant are asked for at once, and that one more is refused."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

from neo.api.large.sender import Sender
from neo.errors import Failure


class Asked:
    def __init__(self, most: int, refusal: Callable[[], Failure]) -> None:
        self._most = most
        self._refusal = refusal
        self._asked = Counter[UUID]()

    @contextmanager
    def one_more(self, sender: Sender) -> Iterator[None]:
        """Counts in the block, as long as the sender may have one more."""
        tenant_id = sender.tenant_id
        if self._asked[tenant_id] >= sender.most_of(self._most):
            raise self._refusal()
        self._asked[tenant_id] += 1
        try:
            yield
        finally:
            self._asked[tenant_id] -= 1
            if not self._asked[tenant_id]:
                del self._asked[tenant_id]
