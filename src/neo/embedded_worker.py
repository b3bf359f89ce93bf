"""The worker in the API's process. It is imported in a thread, so that the API answers meanwhile."""

import asyncio
import importlib
from typing import TYPE_CHECKING

from neo.db import DatabaseRoleUnsafe, trusted
from neo.kit import freeze_loaded
from neo.resources import Resources
from neo.settings import Settings

if TYPE_CHECKING:
    from neo.worker import TurnWorker


class EmbeddedWorker:
    def __init__(self, resources: Resources, settings: Settings) -> None:
        self._resources = resources
        self._settings = settings
        self._worker: TurnWorker | None = None
        self._stopping = asyncio.Event()

    @property
    def is_up(self) -> bool:
        return self._worker is not None and self._worker.is_up

    async def run(self) -> None:
        module = await asyncio.to_thread(importlib.import_module, "neo.worker")
        if not await self._has_tables():
            return
        worker = self._worker = module.TurnWorker(self._resources, self._settings)
        freezing = asyncio.create_task(_freeze_when_up(worker))
        await worker.run()
        freezing.cancel()

    async def _has_tables(self) -> bool:
        """Wait for the tables; false at a stop, or for a database that the API refuses."""
        trusting = asyncio.create_task(trusted(self._resources.database, on_wait=_ignore))
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait((trusting, stopping), return_when=asyncio.FIRST_COMPLETED)
        for task in (trusting, stopping):
            task.cancel()
        [problem, _] = await asyncio.gather(trusting, stopping, return_exceptions=True)
        if problem is not None and not isinstance(problem, DatabaseRoleUnsafe | asyncio.CancelledError):
            raise problem
        return problem is None and not self._stopping.is_set()

    def stop(self) -> None:
        self._stopping.set()
        if self._worker is not None:
            self._worker.stop()


def _ignore(_: str) -> None:
    """The API says what is waited for."""


async def _freeze_when_up(worker: "TurnWorker") -> None:
    await worker.wait_until_up()
    freeze_loaded()
