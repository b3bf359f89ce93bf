"""The worker in the API's process. It is imported in a thread, so that the API answers meanwhile."""

import asyncio
import importlib
from typing import TYPE_CHECKING

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
        await self._worker.run()

    def stop(self) -> None:
        self._is_stopped = True
        if self._worker is not None:
            self._worker.stop()
