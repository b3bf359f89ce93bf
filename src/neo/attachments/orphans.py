"""Removes uploads that no message used in time, and those of messages once nobody reads them any more."""

import asyncio
import random
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog

from neo.attachments.limits import IMAGE_BYTES_MAX
from neo.attachments.store import AttachmentStore
from neo.blobs import BlobStore, BlobStoreUnavailable
from neo.db import Database, DatabaseUnavailable

log = structlog.get_logger()

# Every process sweeps, so each may wait long; the jitter keeps them from sweeping at the same moment.
SWEEP_SECONDS = 300.0
JITTER = 0.5
ROWS_MAX = 200

# Longer than any URL lives that was signed to read or write the upload itself.
SPENT_AFTER = timedelta(hours=1)
# Longer than a URL to upload lives, and what is sent to it at its end takes.
UNSEEN_AFTER = timedelta(minutes=15)


@dataclass(frozen=True)
class OrphanSweeper:
    database: Database
    blobs: BlobStore | None
    kept: timedelta
    pause_seconds: float = SWEEP_SECONDS

    async def run(self) -> None:
        while True:
            await asyncio.sleep(self.pause_seconds * random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311 - no secret.
            try:
                await self.sweep()
                await self.sweep_unseen()
                await self.sweep_spent()
                if self.blobs is not None:
                    await self.blobs.discard_leftovers(SPENT_AFTER)
            except (DatabaseUnavailable, BlobStoreUnavailable) as failure:
                log.warning("upload_sweep_waits", code=failure.code)

    async def sweep(self) -> int:
        """Remove one batch, oldest first, and return how many were removed."""
        removed = 0
        for row in await self.database.call("neo_take_orphan_uploads", self.kept, ROWS_MAX):
            removed += await self._remove(row["tenant_id"], row["id"], row["blob_path"])
        if removed:
            log.info("unused_uploads_removed", count=removed)
        return removed

    async def sweep_unseen(self, unseen_after: timedelta = UNSEEN_AFTER) -> int:
        """Look at what came by the store's own URLs: it counts from now on; what is too large is deleted."""
        if self.blobs is None:
            return 0
        found = await self.database.call("neo_unseen_uploads", unseen_after, ROWS_MAX)
        for row in found:
            size = await self.blobs.size(row["blob_path"]) or 0
            if size > IMAGE_BYTES_MAX:
                await self.blobs.delete(row["blob_path"])
                size = 0
            async with self.database.transaction(row["tenant_id"]) as db:
                await AttachmentStore(db, row["tenant_id"]).note_uploaded(row["id"], size)
        return len(found)

    async def sweep_spent(self, spent_after: timedelta = SPENT_AFTER) -> int:
        """Remove uploads whose pixels are stored, or never will be: their metadata may be private."""
        found = await self.database.call("neo_spent_uploads", spent_after, ROWS_MAX)
        for row in found:
            if self.blobs is not None:
                await self.blobs.delete(row["blob_path"])
            async with self.database.transaction(row["tenant_id"]) as db:
                await AttachmentStore(db, row["tenant_id"]).note_removed(row["id"])
        return len(found)

    async def _remove(self, tenant_id: UUID, attachment_id: UUID, blob_path: str) -> bool:
        async with self.database.transaction(tenant_id) as db:
            if not await AttachmentStore(db, tenant_id).remove_unused(attachment_id):
                return False
            # Within the transaction: when the bytes cannot be removed, the row stays, and no message can use it now.
            if self.blobs is not None:
                await self.blobs.delete(blob_path)
        return True
