"""The workflow's one activity: it sees a turn through, whoever drives it.

Activities run in the event loop that talks with Temporal, turns in the main loop.
"""

import asyncio

import structlog
from temporalio import activity

from neo.kit import run_in
from neo.turns.errors import TurnNotFound
from neo.turns.leases.driver import Outcome
from neo.turns.leases.runner import Runner
from neo.turns.temporal.contract import ADVANCE, HEARTBEAT_SECONDS, TurnInput

log = structlog.get_logger()


class Advance:
    """Made in the main loop."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._main_loop = asyncio.get_running_loop()

    @activity.defn(name=ADVANCE)
    async def advance(self, turn: TurnInput) -> str:
        """ENDED, WAITING, or MORE at a shutdown: another worker goes on."""
        structlog.contextvars.bind_contextvars(turn_id=turn.turn_id, session_id=turn.session_id)
        advancing = asyncio.ensure_future(run_in(self._main_loop, self._advance(turn)))
        stopping = asyncio.create_task(activity.wait_for_worker_shutdown())
        try:
            while not advancing.done() and not stopping.done():
                await asyncio.wait(
                    {advancing, stopping}, timeout=HEARTBEAT_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
                activity.heartbeat()
            return (await advancing) if advancing.done() else Outcome.MORE.value
        finally:
            for one in (advancing, stopping):
                one.cancel()

    async def _advance(self, turn: TurnInput) -> str:
        try:
            return (await self._runner.advance(turn)).value
        except TurnNotFound:
            # The database was restored to an earlier day: Temporal knows more turns than it.
            return Outcome.ENDED.value
