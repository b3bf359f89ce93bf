"""Fills this process's places: with turns that were claimed with their message, and with those that it claims."""

import asyncio
from contextlib import suppress
from uuid import UUID

import structlog

from neo.db import Database, DatabaseUnavailable, until_database_answers
from neo.telemetry import turn_metrics
from neo.turns.leases.claim import Task, claim_turn, claim_turns
from neo.turns.leases.driver import Driver, Outcome
from neo.turns.leases.lease import Leases, Renewal
from neo.turns.leases.places import Places
from neo.turns.models import TurnStatus
from neo.turns.store import TurnStore
from neo.turns.temporal.contract import TurnInput

log = structlog.get_logger()

# Claimed by one look. More would give one process what another has room for.
CLAIMS_MAX = 2
# For words that were lost: whoever makes a turn claimable says so.
LOOK_SECONDS = 0.5
DRAIN_LOOK_SECONDS = 0.05


class Runner:
    def __init__(
        self, database: Database, places: Places, leases: Leases, renewal: Renewal, driver: Driver
    ) -> None:
        self._database = database
        self._places = places
        self._leases = leases
        self._renewal = renewal
        self._driver = driver
        self._driving: dict[UUID, asyncio.Task[Outcome]] = {}

    async def run(self) -> None:
        """Until it is cancelled. What it has begun goes on."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._take_accepted())
            group.create_task(self._look_for_turns())

    async def advance(self, turn: TurnInput) -> Outcome:
        """See the turn through, whoever drives it; returns once it has ended, waits, or is to be gone on with."""
        turn_id = UUID(turn.turn_id)
        with self._leases.joined(turn_id) as changed:
            while True:
                driving = self._driving.get(turn_id)
                # To await one that is done lets nobody else run, not even what takes it out.
                if driving is not None and not driving.done():
                    outcome = await asyncio.shield(driving)
                else:
                    outcome = await self._look_at(turn) or Outcome.MORE
                    if outcome is Outcome.MORE and not await self._claim(turn):
                        changed.clear()
                        await changed.wait()
                if outcome is not Outcome.MORE or not self._places.is_open:
                    return outcome

    async def drain(self, seconds: float) -> None:
        """Let what runs come to its end; what does not in time is given up in mid-segment."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                # A turn that was being accepted when the places were closed has its place already.
                while self._places.are_taken:  # noqa: ASYNC110 - it is looked for once, at a stop.
                    await asyncio.sleep(DRAIN_LOOK_SECONDS)
        late = list(self._driving.values())
        for driving in late:
            driving.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def _take_accepted(self) -> None:
        while True:
            task = await self._places.accepted.get()
            turn_metrics.claimed("accept")
            self._drive(task)

    async def _look_for_turns(self) -> None:
        """One look at a time; it goes on while a look brings as many as it asked for."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._places.look.wait()
            self._places.look.clear()
            while await self._claim_some():
                pass

    async def _claim_some(self) -> bool:
        """Whether as many were claimed as were asked for, and so there may be more."""
        with self._places.reserved(CLAIMS_MAX) as wanted:
            claimed = await self._claimed(wanted) if wanted else []
            for task in claimed:
                self._places.add(task.turn.tenant_id)
                self._drive(task)
            return 0 < wanted == len(claimed)

    async def _claimed(self, wanted: int) -> list[Task]:
        takes_over, without = self._renewal.takes_over, self._places.full_tenants
        try:
            return await claim_turns(self._database, wanted, takes_over=takes_over, without=without)
        except DatabaseUnavailable:
            log.debug("claims_wait_for_database")
            return []

    async def _claim(self, turn: TurnInput) -> bool:
        """Claim the turn, if it may be claimed and there is a place."""
        tenant_id = UUID(turn.tenant_id)
        if not self._places.take(tenant_id):
            return False
        task = None
        with suppress(DatabaseUnavailable):
            task = await claim_turn(self._database, UUID(turn.turn_id), takes_over=self._renewal.takes_over)
        if task is None:
            self._places.give_back(tenant_id)
            return False
        self._drive(task)
        return True

    def _drive(self, task: Task) -> None:
        turn = task.turn
        driving = asyncio.create_task(self._driver.drive(task), name=f"turn-{turn.id}")
        self._driving[turn.id] = driving
        driving.add_done_callback(lambda done: self._driven(task, done))

    def _driven(self, task: Task, driving: asyncio.Task[Outcome]) -> None:
        turn = task.turn
        if self._driving.get(turn.id) is driving:
            del self._driving[turn.id]
        self._places.give_back(turn.tenant_id)
        if not driving.cancelled() and (error := driving.exception()) is not None:
            log.error("turn_drive_broke", turn_id=str(turn.id), error=type(error).__name__)

    async def _look_at(self, turn: TurnInput) -> Outcome | None:
        """How the turn stands, as far as it needs nobody."""
        tenant_id = UUID(turn.tenant_id)

        async def read() -> str:
            async with self._database.transaction(tenant_id) as db:
                store = TurnStore(db, tenant_id)
                return (await store.get(UUID(turn.session_id), UUID(turn.turn_id))).status

        status = TurnStatus(await until_database_answers(read))
        if not status.is_open:
            return Outcome.ENDED
        return Outcome.WAITING if status is TurnStatus.WAITING else None
