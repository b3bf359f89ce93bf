"""A process that drives turns, put together as a worker is, while Temporal is away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio.client import Client

from neo.attachments import Normaliser, Pixels
from neo.blobs import BlobStore
from neo.cage import Cage
from neo.calls import Artifacts
from neo.connections import Clients, Servers
from neo.db import Database
from neo.egress import Egress, Listed
from neo.events import EventLog
from neo.llm import Models
from neo.stops import DispatchRules
from neo.streams import Valkey
from neo.turns.end import TurnEnder
from neo.turns.leases.claim import Task
from neo.turns.leases.driver import Driver, Outcome
from neo.turns.leases.lease import Leases, Renewal
from neo.turns.leases.places import Places
from neo.turns.leases.runner import Runner
from neo.turns.prompt import ImageLoader
from neo.turns.segments.attempt import Answered
from neo.turns.segments.calls_segment import CallsSegment
from neo.turns.segments.model_segment import ModelSegment
from neo.turns.segments.settle import Settler
from neo.turns.temporal.start import WorkflowStarter
from neo.turns.wake_ups import WakeUps
from neo.vault import SecretKeyWrapping

# Under load anything may be late by as much.
LATE_SECONDS = 15.0
SECRET = "a-secret-of-tests-that-is-long-enough"


class Away:
    client: Client | None = None


class Process:
    def __init__(
        self,
        database: Database,
        valkey: Valkey,
        models: Models,
        *,
        places: int = 8,
        blobs: BlobStore | None = None,
        egress: Egress | None = None,
        active_seconds_max: float = 1800,
    ) -> None:
        self.database = database
        self.valkey = valkey
        events = EventLog(valkey)
        self.ender = TurnEnder(database, events)
        self.settler = Settler(database, self.ender)
        self.places = Places(places, 0.125)
        self.leases = Leases()
        self.renewal = Renewal(database, self.leases, self.places)
        images = ImageLoader(Pixels(database, blobs, Normaliser(Cage())))
        self.driver = Driver(
            database,
            valkey,
            self.leases,
            ModelSegment(database, models, events, Answered(self.settler), images, active_seconds_max),
            CallsSegment(database, events, self.settler, Artifacts(database, blobs), DispatchRules()),
            Clients(database, Servers(egress or Egress(Listed(()))), SecretKeyWrapping((SECRET,))),
            self.ender,
            WorkflowStarter(Away(), "nobodys", after_seconds=30),
        )
        self.runner = Runner(database, self.places, self.leases, self.renewal, self.driver)
        self._tasks: list[asyncio.Task[object]] = []

    async def drive(self, task: Task) -> Outcome:
        """To where this process stops, without renewing the lease."""
        driving = asyncio.create_task(self.driver.drive(task))
        async with asyncio.timeout(LATE_SECONDS):
            return await driving

    def begin(self, task: Task) -> asyncio.Task[Outcome]:
        return asyncio.create_task(self.driver.drive(task))

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Process"]:
        """It claims what there is, and hears of more. Nothing renews its leases."""
        wake_ups = WakeUps(self.valkey, on_claimable=self.places.look.set, on_cancel=self.leases.cancel)
        wake_ups.start()
        running = asyncio.create_task(self.runner.run())
        self.places.open()
        try:
            yield self
        finally:
            self.places.close()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await self.runner.drain(0)
            await wake_ups.aclose()

    async def aclose(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def renewing(self) -> asyncio.Task[None]:
        """As the worker's second thread does, here in the same loop; to be cancelled."""
        self._tasks.append(asyncio.create_task(self.renewal.tick()))
        renewing = asyncio.create_task(self.renewal.run())
        self._tasks.append(renewing)
        return renewing
