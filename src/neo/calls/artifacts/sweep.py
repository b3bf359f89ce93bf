"""Removes artifacts whose time is over, bytes and rows."""

import asyncio
import random
from dataclasses import dataclass

import structlog

from neo.blobs import BlobStore, BlobStoreUnavailable
from neo.calls.artifacts.store import ArtifactStore
from neo.db import Database, DatabaseUnavailable

log = structlog.get_logger()

# Every process sweeps, so each may wait long; the jitter keeps them from sweeping at the same moment.
SWEEP_SECONDS = 300.0
JITTER = 0.5
ROWS_MAX = 200


@dataclass(frozen=True)
class ArtifactSweeper:
    database: Database
    blobs: BlobStore | None
    pause_seconds: float = SWEEP_SECONDS

    async def run(self) -> None:
        while True:
            await asyncio.sleep(self.pause_seconds * random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311 - no secret.
            try:
                while await self.sweep() == ROWS_MAX:
                    pass
            except (DatabaseUnavailable, BlobStoreUnavailable) as failure:
                log.warning("artifact_sweep_waits", code=failure.code)

    async def sweep(self) -> int:
        """Remove one batch, oldest first, and return how many were removed."""
        found = await self.database.call("neo_expired_artifacts", ROWS_MAX)
        for row in found:
            # The bytes first: where they cannot be removed, the row stays for the next time.
            if self.blobs is not None:
                await self.blobs.delete(row["blob_path"])
            async with self.database.transaction(row["tenant_id"]) as db:
                await ArtifactStore(db, row["tenant_id"]).remove(row["id"])
        if found:
            log.info("artifacts_removed", count=len(found))
        return len(found)
