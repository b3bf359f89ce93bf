"""What outlives one call: remembered conversations, counters of failures, gates, and the list of calls."""

import asyncio
from collections import OrderedDict, defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from time import time

from neo.engines.scripted_model.request import RequestImage

# More than the sessions of any benchmark, at a few hundred bytes each.
CONVERSATIONS_MAX = 50_000
# Enough to recognise a message by, and a limit on what a remembered one costs.
REMEMBERED_CHARACTERS_MAX = 10_000
COUNTERS_MAX = 10_000
CALLS_MAX = 10_000
SHOWN_CHARACTERS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Exchange:
    """One answered call, linked to the one that it continued."""

    users: tuple[str, ...]
    tokens_so_far: int
    previous: "Exchange | None"
    # The ids of the calls that the answer asked for, and the rounds of its turn, with these.
    asked: tuple[str, ...] = ()
    rounds: int = 0

    def users_so_far(self) -> list[str]:
        return [user for exchange in reversed(list(self._back())) for user in exchange.users]

    def _back(self) -> Iterator["Exchange"]:
        exchange: Exchange | None = self
        while exchange is not None:
            yield exchange
            exchange = exchange.previous


@dataclass(slots=True)
class Call:
    model: str
    dialect: str
    previous_response_id: str | None
    input_messages: int
    stream: bool
    # The newest message's text, to recognise it by, and the images of all messages.
    text: str = ""
    images: tuple[RequestImage, ...] = ()
    # What tools have answered, oldest first, as far as it was sent.
    outcomes: tuple[str, ...] = ()
    at: float = field(default_factory=time)
    status: int = 200
    ended: bool = False
    disconnected: bool = False


class ServerState:
    def __init__(self) -> None:
        self.calls: deque[Call] = deque(maxlen=CALLS_MAX)
        self._exchanges: OrderedDict[str, Exchange] = OrderedDict()
        self._counters: OrderedDict[str, int] = OrderedDict()
        self._gates: defaultdict[str, list[asyncio.Future[None]]] = defaultdict(list)

    def find_exchange(self, response_id: str) -> Exchange | None:
        return self._exchanges.get(response_id)

    def remember(self, response_id: str, exchange: Exchange) -> None:
        self._exchanges[response_id] = exchange
        while len(self._exchanges) > CONVERSATIONS_MAX:
            self._exchanges.popitem(last=False)

    def count(self, key: str) -> int:
        """How often this key has come up, this time included."""
        self._counters[key] = self._counters.pop(key, 0) + 1
        while len(self._counters) > COUNTERS_MAX:
            self._counters.popitem(last=False)
        return self._counters[key]

    def waiting(self, gate: str) -> int:
        return len(self._gates.get(gate, ()))

    def release(self, gate: str) -> int:
        waiters = self._gates.pop(gate, [])
        for waiter in waiters:
            waiter.set_result(None)
        return len(waiters)

    async def wait(self, gate: str) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._gates[gate].append(waiter)
        try:
            await waiter
        finally:
            if waiter in self._gates.get(gate, ()):
                self._gates[gate].remove(waiter)
