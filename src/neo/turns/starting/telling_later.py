"""Turns that are being answered here already, and that Temporal hears of a little later."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import Any

from neo.turns.starting.running import Step
from neo.turns.temporal.contract import TurnInput

# First words of others come before what Temporal costs. A process that dies meanwhile leaves the turn to the sweepers.
HELD_SECONDS = 1.0
# One whose step goes on is held until it ends, for it costs least then, but no longer than this: most answers have
# ended by then, and of what takes long operators see the workflow.
HELD_SECONDS_MAX = 30.0
# Told at once: with fewer, Temporal hears of them more slowly than 64 users have them answered.
TELLING_MAX = 64
# Ready to be told and not told yet: beyond it new turns wait. Temporal is some seconds behind then, and one
# that is told at once, with a step to ask for, costs it twice as much.
BEHIND_MAX = 400
# While more than this go on, what Temporal takes for one that has ended is missing to them: it is told when fewer go
# on, or so many are ready, or after so long. Temporal has nothing to do for it in any case.
FULL = 100
WAITING_MAX = 200
WAITING_SECONDS = 5.0
# Held in one process, several times what is answered there at once. Temporal hears of others at once, and who is next
# waits for that.
HELD_MAX = 1_000
# Some hundreds are told in this time; a Temporal that is away is not waited for.
LEAVE_SECONDS = 3.0

Tell = Callable[[TurnInput], Coroutine[Any, Any, None]]


class TellingLater:
    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._telling = asyncio.Semaphore(TELLING_MAX)
        self._let_go = asyncio.Event()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._ready = 0
        self._going_on = 0
        self._is_quieter = asyncio.Event()

    @property
    def is_behind(self) -> bool:
        """Whether so many wait for Temporal that others should not be begun."""
        return self._ready >= BEHIND_MAX

    @property
    def count(self) -> int:
        return len(self._tasks)

    @property
    def turn_ids(self) -> list[str]:
        return list(self._tasks)

    def holds(self, turn_id: str) -> bool:
        return turn_id in self._tasks

    def add(self, turn: TurnInput, step: Step) -> bool:
        """Whether it will be told of here."""
        if len(self._tasks) >= HELD_MAX:
            return False
        telling = self._told_later(turn, step, self._let_go)
        task = asyncio.create_task(telling, name=f"tell-later-{turn.turn_id}")
        self._tasks[turn.turn_id] = task
        task.add_done_callback(lambda _: self._tasks.pop(turn.turn_id, None))
        self._going_on += 1
        step.add_done_callback(self._step_ended)
        return True

    async def all_now(self) -> None:
        """Tell of all that are held: who answers them is about to leave. What takes too long is left to sweepers."""
        held, self._let_go = self._let_go, asyncio.Event()
        held.set()
        self._is_quieter.set()
        if tasks := list(self._tasks.values()):
            _, late = await asyncio.wait(tasks, timeout=LEAVE_SECONDS)
            for task in late:
                task.cancel()

    async def _told_later(self, turn: TurnInput, step: Step, let_go: asyncio.Event) -> None:
        leaving = asyncio.ensure_future(let_go.wait())
        longest = HELD_SECONDS_MAX - HELD_SECONDS
        try:
            await asyncio.wait({leaving}, timeout=HELD_SECONDS)
            await asyncio.wait({leaving, step}, timeout=longest, return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
        self._ready += 1
        self._look_around()
        try:
            if _has_ended(step) and not let_go.is_set():
                await self._until_quieter()
            async with self._telling:
                await self._tell(replace(turn, has_ended=_has_ended(step)))
        finally:
            self._ready -= 1

    async def _until_quieter(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(WAITING_SECONDS):
                await self._is_quieter.wait()

    def _step_ended(self, _: Step) -> None:
        self._going_on -= 1
        self._look_around()

    def _look_around(self) -> None:
        if self._going_on > FULL and self._ready < WAITING_MAX:
            self._is_quieter.clear()
        else:
            self._is_quieter.set()


def _has_ended(step: Step) -> bool:
    """Whether it closed its turn. One that failed is its workflow's to try again."""
    return step.done() and not step.cancelled() and step.exception() is None
