"""The worker in the API's process. It is imported in a thread, so that the API answers meanwhile."""

import asyncio
import importlib
from typing import TYPE_CHECKING

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
        self._is_stopped = False

    @property
    def is_up(self) -> bool:
        return self._worker is not None and self._worker.is_up

    async def run(self) -> None:
        module = await asyncio.to_thread(importlib.import_module, "neo.worker")
        self._worker = module.TurnWorker(self._resources, self._settings)
        if self._is_stopped:
            self._worker.stop()
        warming = asyncio.create_task(self._warm(self._worker))
        await self._worker.run()
        warming.cancel()

    async def _warm(self, worker: "TurnWorker") -> None:
        # The models' libraries take a second to import, which would make every start that much longer. A turn that
        # needs one before it is loaded waits for the import.
        await worker.wait_until_up()
        await self._resources.models.warm()
        freeze_loaded()

    def stop(self) -> None:
        self._is_stopped = True
        if self._worker is not None:
            self._worker.stop()
