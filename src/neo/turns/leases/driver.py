"""Drives a claimed turn: one segment after the other, until it has ended, waits, or is given up."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Self
from uuid import UUID

import structlog

from neo.connections import Clients, TurnClients
from neo.db import Database, DatabaseUnavailable, RecordUnstorable, until_database_answers
from neo.events import Fenced
from neo.kit import reached
from neo.llm import ProviderFailure
from neo.streams import Valkey
from neo.telemetry import traces, turn_metrics
from neo.turns.end import TurnEnder
from neo.turns.errors import LOST_MESSAGE, TURN_LOST, HandedOver
from neo.turns.leases.claim import Task, release_turn
from neo.turns.leases.lease import Lease, Leases
from neo.turns.models import TurnStatus
from neo.turns.segments.calls_segment import CallsSegment
from neo.turns.segments.model_segment import ModelSegment
from neo.turns.segments.open_calls import read_open_calls
from neo.turns.segments.settle import Settled
from neo.turns.temporal.start import WorkflowStarter
from neo.turns.wake_ups import publish_claimable

log = structlog.get_logger()

# After a failed attempt the turn is claimable again after 1, 2, 4 ... 30 seconds.
RETRY_FIRST_SECONDS = 1.0
RETRY_SECONDS_MAX = 30.0
# A turn that goes on for longer is given up between two segments, so that no process drives one for ever.
DRIVE_SECONDS_MAX = 600.0
AT_ONCE = timedelta(0)


class Outcome(StrEnum):
    """How a drive came back."""

    ENDED = "ENDED"
    WAITING = "WAITING"
    # Somebody else is to go on.
    MORE = "MORE"


@dataclass(frozen=True)
class Driver:
    database: Database
    valkey: Valkey
    leases: Leases
    models: ModelSegment
    calls: CallsSegment
    clients: Clients
    ender: TurnEnder
    starter: WorkflowStarter

    async def drive(self, task: Task) -> Outcome:
        turn = task.turn
        structlog.contextvars.bind_contextvars(turn_id=str(turn.id), session_id=str(turn.session_id))
        # Its connections are closed once the turn is let go, so that nobody waits for that.
        async with _Opened(self.clients, turn.tenant_id) as clients:
            with self.leases.held(task) as lease, self.starter.supervising(task.named) as supervised:
                log.info("turn_claimed", segment=turn.segment, claim=turn.claim)
                await reached("after_claim")
                outcome = await self._driven(task, lease, clients, supervised.segment_settled)
                supervised.driven(has_ended=outcome is Outcome.ENDED, waits=outcome is Outcome.WAITING)
                return outcome

    async def _driven(
        self, task: Task, lease: Lease, clients: "_Opened", on_settled: Callable[[], None]
    ) -> Outcome:
        try:
            with traces.span("run turn", kind="CONSUMER", parent=task.turn.traceparent, **_ids(task)) as span:
                if span.trace_id is not None:
                    structlog.contextvars.bind_contextvars(trace_id=span.trace_id)
                return await self._segments(task, lease, clients, on_settled)
        except asyncio.CancelledError:
            if not lease.is_lost:
                await self._give_up(task, AT_ONCE, has_failed=False)
                raise
            self._fenced(task)
        except Fenced:
            self._fenced(task)
        except HandedOver:
            await self._give_up(task, AT_ONCE, has_failed=False)
        except ProviderFailure as failure:
            delay = failure.retry_after_seconds or _backoff(task)
            log.warning("turn_asks_provider_again", error_code=failure.code, wait_seconds=delay)
            await self._give_up(task, timedelta(seconds=delay), has_failed=True)
        except Exception:
            log.exception("turn_segment_broke")
            await self._give_up(task, timedelta(seconds=_backoff(task)), has_failed=True)
        return Outcome.MORE

    async def _segments(
        self, task: Task, lease: Lease, clients: "_Opened", on_settled: Callable[[], None]
    ) -> Outcome:
        if task.is_exhausted:
            record = {"error_code": TURN_LOST, "error_message": LOST_MESSAGE}
            return await self._end(task, TurnStatus.FAILED, record)
        give_up_at = _now() + DRIVE_SECONDS_MAX
        while True:
            try:
                settled = await self._segment(task, lease, clients)
            except RecordUnstorable as failure:
                record = {"error_code": failure.code, "error_message": failure.message}
                return await self._end(task, TurnStatus.FAILED, record)
            if settled is None:
                return Outcome.ENDED
            if settled.status == TurnStatus.WAITING:
                return Outcome.WAITING
            on_settled()
            if not settled.claim:
                # It was given up as it was settled.
                await publish_claimable(self.valkey)
                return Outcome.MORE
            if _now() > give_up_at:
                await self._give_up(task, AT_ONCE, has_failed=False)
                return Outcome.MORE

    async def _segment(self, task: Task, lease: Lease, clients: "_Opened") -> Settled | None:
        """One segment; None where the turn has ended with it."""
        if task.turn.segment == 1:
            return await self.models.run(task, lease)
        if lease.cancelled.is_set():
            await self._end(task, TurnStatus.CANCELLED, {})
            return None
        if calls := await until_database_answers(lambda: read_open_calls(self.database, task.turn)):
            return await self.calls.run(task, lease, calls, clients.turns())
        return await self.models.run(task, lease)

    async def _end(self, task: Task, status: TurnStatus, record: dict[str, str]) -> Outcome:
        await self.ender.end_unwritten(task.named, status, record)
        return Outcome.ENDED

    async def _give_up(self, task: Task, delay: timedelta, *, has_failed: bool) -> None:
        """Somebody else goes on with the turn, after the delay. Where PostgreSQL is away its lease runs out instead."""
        with suppress(DatabaseUnavailable):
            releasing = release_turn(self.database, task, delay, has_failed=has_failed)
            await asyncio.shield(asyncio.ensure_future(releasing))
            if not delay:
                await publish_claimable(self.valkey)

    def _fenced(self, task: Task) -> None:
        log.info("turn_fenced", segment=task.turn.segment, claim=task.turn.claim)
        turn_metrics.write_fenced()


class _Opened:
    """The turn's clients of connections: none, where it makes no call."""

    def __init__(self, clients: Clients, tenant_id: UUID) -> None:
        self._clients = clients
        self._tenant_id = tenant_id
        self._of_turn: TurnClients | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._of_turn is not None:
            await self._of_turn.aclose()

    def turns(self) -> TurnClients:
        self._of_turn = self._of_turn or self._clients.of_turn(self._tenant_id)
        return self._of_turn


def _backoff(task: Task) -> float:
    return min(RETRY_FIRST_SECONDS * 2.0**task.turn.segment_attempts, RETRY_SECONDS_MAX)


def _ids(task: Task) -> dict[str, str | int]:
    turn = task.turn
    return {
        "neo__turn_id": str(turn.id),
        "neo__session_id": str(turn.session_id),
        "neo__turn_no": turn.turn_no,
        "neo__attempt": turn.attempts,
        "neo__segment": turn.segment,
    }


def _now() -> float:
    return asyncio.get_running_loop().time()
