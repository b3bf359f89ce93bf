"""The steps that run in this process, by their turns."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

log = structlog.get_logger()

Step = asyncio.Task[None]
Begin = Callable[[], Coroutine[Any, Any, None]]


# While more than this run, a step waits for Temporal, which so bounds how far answers are ahead of it.
EARLY_MAX = 400
# While fewer run, Temporal is told of a turn at once. It takes more of the processor than all else that a turn needs,
# so in a full house first words come before it.
QUIET_MAX = 16
# How long what became of an early step waits for its attempt, which neither begins it again nor asks again at once.
EARLY_KEPT_SECONDS = 10.0


class RunningSteps:
    """Each turn's one step, whoever asks for it.

    A full processor makes heartbeats late, and Temporal gives the turn to another attempt while the step lives. An
    attempt that comes here then goes on with that step: to begin it anew would cost more of what is short. In the same
    way a step that is begun early, while Temporal is being told of its turn, is gone on with.
    """

    def __init__(self) -> None:
        self._steps: dict[str, Step] = {}
        # Of these, the ones that no attempt has come for yet.
        self._early: set[str] = set()
        # Those that ended before their attempt came.
        self._kept: dict[str, Step] = {}

    @property
    def has_room(self) -> bool:
        """Whether one more may begin early."""
        return len(self._steps) < EARLY_MAX

    @property
    def early_turn_ids(self) -> list[str]:
        return list(self._early)

    def begin_early(
        self, turn_id: str, begin: Begin, *, held: int = 0, is_begun: bool = False
    ) -> Step | None:
        """Begin it before there is an attempt, unless enough run and its turn is not begun in the database yet; the
        step, if Temporal may hear of it later: so many run, or are held already.
        """
        if turn_id in self._steps or turn_id in self._kept or not (is_begun or self.has_room):
            return None
        others = len(self._steps)
        self._early.add(turn_id)
        step = self._begin(turn_id, begin)
        return step if max(others, held) >= QUIET_MAX else None

    def begin_or_join(self, turn_id: str, begin: Begin) -> Step:
        if kept := self._kept.pop(turn_id, None):
            return kept
        step = self._steps.get(turn_id)
        if step is None:
            return self._begin(turn_id, begin)
        if turn_id not in self._early:
            log.info("turn_step_joined")
        self._early.discard(turn_id)
        return step

    async def stop(self, turn_id: str) -> None:
        if step := self._steps.get(turn_id):
            step.cancel()
            await asyncio.gather(step, return_exceptions=True)

    async def early_ended(self, seconds: float) -> None:
        if early := [self._steps[turn_id] for turn_id in self._early]:
            await asyncio.wait(early, timeout=seconds)

    async def aclose(self) -> None:
        """End those that nobody waits for."""
        steps = list(self._steps.values())
        for step in steps:
            step.cancel()
        await asyncio.gather(*steps, return_exceptions=True)

    def _begin(self, turn_id: str, begin: Begin) -> Step:
        step = self._steps[turn_id] = asyncio.create_task(begin(), name=f"turn-step-{turn_id}")
        step.add_done_callback(lambda done: self._ended(turn_id, done))
        return step

    def _ended(self, turn_id: str, step: Step) -> None:
        del self._steps[turn_id]
        if not step.cancelled():
            # Whoever waits for it hears it; where nobody does, it has told the log how it ended.
            step.exception()
        if turn_id in self._early:
            self._early.discard(turn_id)
            self._kept[turn_id] = step
            asyncio.get_running_loop().call_later(EARLY_KEPT_SECONDS, self._kept.pop, turn_id, None)
