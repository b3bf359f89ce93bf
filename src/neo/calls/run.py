"""Runs one call: dispatched first, then sent, and whatever comes of it is an end that the model can read."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import orjson
import structlog

from neo.calls import texts
from neo.calls.artifacts.keep import Artifacts
from neo.calls.call import ATTEMPTS_MAX, Call
from neo.calls.ended import Ended
from neo.calls.holding import Holding
from neo.calls.output import Keep, brought, cut
from neo.calls.probe import Probe
from neo.connections import Effect, Outcome, TurnClients
from neo.db import DatabaseUnavailable
from neo.errors import Failure
from neo.kit import reached
from neo.telemetry import traces

log = structlog.get_logger()

CANCELLED = "cancelled"
SAID_CHARACTERS_MAX = 4_096


@dataclass(frozen=True, slots=True)
class Stops:
    """Set once the turn is to stop: at once for a call without an effect, later for one that may still answer."""

    at_once: asyncio.Event
    later: asyncio.Event

    def of(self, call: Call) -> asyncio.Event:
        return self.at_once if call.effect is Effect.READ else self.later


@dataclass(frozen=True, slots=True)
class CallRun:
    holding: Holding
    clients: TurnClients
    artifacts: Artifacts
    probe: Probe
    stops: Stops
    characters: int
    """What the model reads of the output."""
    company: str | None
    """For which its session is."""

    async def run(self, call: Call) -> Ended:
        """Raises `Fenced`."""
        if not call.may_be_repeated:
            return await self._unknown(call)
        if call.attempts >= ATTEMPTS_MAX:
            return texts.crashed(call.attempts)
        if self.stops.at_once.is_set() and not call.is_running:
            return texts.not_sent()
        await reached("before_dispatch")
        refusal = await self.holding.dispatch(call.id, call.attempts + 1)
        if refusal is not None:
            return self._refused(call, refusal)
        await reached("after_dispatch")
        with traces.span("call tool", kind="CLIENT", neo__call_id=call.id):
            outcome = await self._called(call)
        await reached("after_answer")
        log.info("call_ended", call_id=call.id, ending=outcome.ending.value, is_sent=outcome.is_sent)
        return await self._ended(call, outcome)

    def _keep(self, call: Call) -> Keep:
        return partial(self.artifacts.keep, self.holding.tenant_id, self.holding.turn_id, call.id)

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
        return await self._unknown(call) if ended.status == "UNKNOWN" else ended

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
