"""Many calls as one, without making any of them wait for others to come."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Ask = TypeVar("Ask")
Answer = TypeVar("Answer")


class Batcher(Generic[Ask, Answer]):
    """What is asked while a batch is under way goes with the next one. What is asked at another time goes at once.

    `call` gives an answer for each that it was given, in their order; an answer may be an error. Where a call raises
    `silence`, the server has not answered in time, and it is raised for all who wait for the next batch as well: they
    are not made to wait as long again.
    """

    def __init__(
        self,
        call: Callable[[list[Ask]], Awaitable[Sequence[Answer | Exception]]],
        *,
        most: int,
        name: str,
        silence: type[Exception] | tuple[type[Exception], ...] = TimeoutError,
    ) -> None:
        self._call = call
        self._silence = silence
        self._most = most
        self._name = name
        self._waiting: list[tuple[Ask, asyncio.Future[Answer]]] = []
        self._task: asyncio.Task[None] | None = None

    async def __call__(self, ask: Ask) -> Answer:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((ask, answer))
        if self._task is None:
            self._task = loop.create_task(self._send_all(), name=self._name)
        return await answer

    async def _send_all(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                await self._send([ask for ask, _ in batch], [answer for _, answer in batch])
        finally:
            self._task = None
            for _, answer in self._waiting:
                answer.cancel()
            self._waiting.clear()

    async def _send(self, asks: list[Ask], answers: list[asyncio.Future[Answer]]) -> None:
        try:
            given = await self._call(asks)
        except Exception as error:  # noqa: BLE001 - it is raised where it was asked.
            if isinstance(error, self._silence):
                answers = [*answers, *(answer for _, answer in self._waiting)]
                self._waiting.clear()
            given = [error] * len(answers)
        except BaseException:
            for answer in answers:
                answer.cancel()
            raise
        for answer, one in zip(answers, given, strict=True):
            _resolve(answer, one)


def _resolve(answer: asyncio.Future[Answer], given: Answer | Exception) -> None:
    if answer.done():
        return
    if isinstance(given, Exception):
        answer.set_exception(given)
    else:
        answer.set_result(given)
