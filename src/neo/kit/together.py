"""One question for many who ask the same at the same time."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Item = TypeVar("Item", bound=Hashable)
Answer = TypeVar("Answer")

# Questions under way at a time: a few, so that one that hangs does not hold up all others.
UNDER_WAY_MAX = 8


class Together(Generic[Key, Item, Answer]):
    """While questions are under way, whoever asks joins the next one of their key.

    Nothing is kept: an answer is always to a question that was put after it was asked for.
    """

    def __init__(self, put: Callable[[Key, set[Item]], Awaitable[Answer]]) -> None:
        self._put = put
        self._free = asyncio.Semaphore(UNDER_WAY_MAX)
        self._next: dict[Key, tuple[set[Item], asyncio.Task[Answer]]] = {}

    async def ask(self, key: Key, item: Item) -> Answer:
        if key not in self._next:
            items: set[Item] = set()
            asking = asyncio.get_running_loop().create_task(self._ask(key, items), name="together")
            self._next[key] = items, asking
        items, asking = self._next[key]
        items.add(item)
        # Whoever gives up leaves the answer to the others.
        return await asyncio.shield(asking)

    async def _ask(self, key: Key, items: set[Item]) -> Answer:
        async with self._free:
            # Who comes from here on may know of something that this question is too early for.
            del self._next[key]
            return await self._put(key, items)
