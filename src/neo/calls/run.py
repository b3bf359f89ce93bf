"""Runs one call: dispatched first, then sent, and whatever comes of it is an end that the model can read."""

import asyncio
import time
from asyncio import FIRST_COMPLETED
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from uuid import UUID

import orjson
import structlog

from neo.calls import texts
from neo.calls.artifacts.keep import Artifacts
from neo.calls.call import ATTEMPTS_MAX, Call
from neo.calls.ended import Ended
from neo.calls.holding import Holding
from neo.calls.output import Keep, brought, cut
from neo.calls.probe import Probe
from neo.calls.room import CallRoom
from neo.connections import Effect, Ending, Outcome, TurnClients
from neo.db import DatabaseUnavailable
from neo.errors import Failure
from neo.kit import reached
from neo.telemetry import traces

log = structlog.get_logger()

CANCELLED = "cancelled"
SAID_CHARACTERS_MAX = 4_096
# A server that has just lost a connection is asked again after a moment, and then after a longer one.
AGAIN_SECONDS = 0.2
# No answer, or none that can be read.
LOST = (Ending.UNREACHABLE, Ending.TIMED_OUT, Ending.PROTOCOL_BROKEN)


@dataclass(frozen=True, slots=True)
class Stops:
    """Set once the turn is to stop: at once for a call without an effect, later for one that may still answer."""

    at_once: asyncio.Event
    later: asyncio.Event
    draining: asyncio.Event
    """Set once the process is to stop: what has no effect yet is left to whoever goes on with the turn."""

    def of(self, call: Call) -> asyncio.Event:
        return self.at_once if call.effect is Effect.READ else self.later


@dataclass(frozen=True, slots=True)
class CallRun:
    holding: Holding
    clients: TurnClients
    artifacts: Artifacts
    probe: Probe
    stops: Stops
    room: CallRoom
    characters: int
    """What the model reads of the output."""
    company: str | None
    """For which its session is."""

    async def run(self, call: Call) -> Ended | None:
        """None where the process drains, and the call is left as it is. Raises `Fenced`."""
        running = asyncio.ensure_future(self._in_room(call))
        drained = asyncio.ensure_future(self.stops.draining.wait())
        try:
            may_be_left = call.effect is Effect.READ
            await asyncio.wait({running, drained} if may_be_left else {running}, return_when=FIRST_COMPLETED)
            return await running if running.done() else None
        finally:
            drained.cancel()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async def _in_room(self, call: Call) -> Ended | None:
        stops = self.stops
        async with self.room.held(
            self.holding.tenant_id, call.connection_id, stops.at_once, stops.draining
        ) as has_room:
            if stops.draining.is_set():
                return None
            return await self._run(call) if has_room else self._refused(call, CANCELLED)

    async def _run(self, call: Call) -> Ended:
        if not call.may_be_repeated:
            return await self._unknown(call)
        if call.attempts >= ATTEMPTS_MAX:
            return texts.crashed(call.attempts) if call.effect is Effect.READ else await self._unknown(call)
        if self.stops.at_once.is_set() and not call.is_running:
            return texts.not_sent()
        return await self._asked(call)

    async def _asked(self, call: Call) -> Ended:
        await reached("before_dispatch")
        refusal = await self.holding.dispatch(call.id, call.attempts + 1)
        if refusal is not None:
            return self._refused(call, refusal)
        await reached("after_dispatch")
        with traces.span("call tool", kind="CLIENT", neo__call_id=call.id):
            outcome = await self._called(call)
        await reached("after_answer")
        log.info("call_ended", call_id=call.id, ending=outcome.ending.value, is_sent=outcome.is_sent)
        if not self._is_asked_again(call, outcome):
            return await self._ended(call, outcome)
        await asyncio.sleep(AGAIN_SECONDS * (call.attempts + 1))
        return await self._asked(call.sent())

    def _is_asked_again(self, call: Call, outcome: Outcome) -> bool:
        """Whether its answer was lost, and with the same key it has its one effect however often it is sent."""
        is_lost = outcome.may_have_happened and outcome.ending in LOST
        has_attempts = call.attempts + 1 < ATTEMPTS_MAX and not self.stops.at_once.is_set()
        return call.effect is Effect.KEYED and is_lost and has_attempts

    def _keep(self, call: Call) -> Keep:
        """Keeps nothing more once it has taken as long as the call itself may."""
        until = time.monotonic() + call.seconds
        keep = partial(self.artifacts.keep, self.holding.tenant_id, self.holding.turn_id, call.id)

        async def keep_in_time(data: bytes, media_type: str) -> UUID | None:
            return await keep(data, media_type) if time.monotonic() < until else None

        return keep_in_time

    def _refused(self, call: Call, refusal: str) -> Ended:
        if call.is_running and call.effect is not Effect.READ:
            # It may have left before.
            return texts.unknown()
        return texts.not_sent() if refusal == CANCELLED else texts.refused(refusal)

    async def _called(self, call: Call) -> Outcome:
        try:
            client = await self.clients.of(call.connection_id)
        except Failure as failure:
            return texts.not_opened(failure)
        outcome = await client.call(
            call.tool_name,
            call.sent_arguments,
            key=call.key,
            seconds=call.seconds,
            company=self.company,
            cancelled=self.stops.of(call),
        )
        with suppress(DatabaseUnavailable):
            # What is noted here is for later turns; this call has ended.
            await self.clients.note(call.connection_id, outcome)
        return outcome

    async def _ended(self, call: Call, outcome: Outcome) -> Ended:
        if outcome.is_ok:
            return await brought(
                outcome.content, self._keep(call), self.characters, is_untrusted=call.is_untrusted
            )
        ended = texts.without_output(outcome, call.effect, call.seconds, is_untrusted=call.is_untrusted)
        # What was sent before may have had its effect, unless the server itself says now that it has not.
        may_have_left = call.is_running and call.effect is not Effect.READ
        is_in_doubt = may_have_left and outcome.ending is not Ending.TOOL_ERROR
        return await self._unknown(call) if is_in_doubt or ended.status == "UNKNOWN" else ended

    async def _unknown(self, call: Call) -> Ended:
        """Nobody knows whether it had its effect. A tool that can tell is asked."""
        if call.probe_tool is None or self.stops.at_once.is_set():
            return texts.unknown()
        outcome = await self.probe.ask(call, self.clients, self.stops.at_once)
        if outcome is None or not outcome.is_ok:
            return texts.unknown()
        told = await brought(
            outcome.content, self._keep(call), SAID_CHARACTERS_MAX, is_untrusted=call.is_untrusted
        )
        said = told.outcome.get("text", told.outcome["output"])
        words = cut(orjson.dumps(said).decode(), SAID_CHARACTERS_MAX)
        return texts.unknown(
            f"The tool {call.probe_tool} was asked, and answers: {words}", is_untrusted=call.is_untrusted
        )
