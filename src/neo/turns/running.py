"""The steps that run in this process, by their turns."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

log = structlog.get_logger()

Step = asyncio.Task[None]


class RunningSteps:
    """A full processor makes heartbeats late, and Temporal gives the turn to another attempt while the step lives.
    An attempt that comes here then goes on with that step: to begin it anew would cost more of what is short.
    """

    def __init__(self) -> None:
        self._steps: dict[str, Step] = {}

    def begin_or_join(self, turn_id: str, begin: Callable[[], Coroutine[Any, Any, None]]) -> Step:
        step = self._steps.get(turn_id)
        if step is not None and not step.done():
            log.info("turn_step_joined")
            return step
        step = self._steps[turn_id] = asyncio.create_task(begin(), name=f"turn-step-{turn_id}")
        step.add_done_callback(lambda done: self._forget(turn_id, done))
        return step

    def _forget(self, turn_id: str, step: Step) -> None:
        if self._steps.get(turn_id) is step:
            del self._steps[turn_id]
        if not step.cancelled():
            # A step whose attempt was given up has told the log how it ended, and there is nobody else to tell.
            step.exception()

    async def aclose(self) -> None:
        """End those that nobody waits for."""
        steps = list(self._steps.values())
        for step in steps:
            step.cancel()
        await asyncio.gather(*steps, return_exceptions=True)
