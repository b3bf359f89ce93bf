"""Removes uploads that no message ever used, and those whose pixels are kept by now."""

import asyncio
import random
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog

from neo.attachments.store import AttachmentStore
from neo.blobs import BlobStore, BlobStoreUnavailable
from neo.db import Database, DatabaseUnavailable

log = structlog.get_logger()

# Every process sweeps, so none needs to be quick; the jitter keeps them from meeting.
SWEEP_SECONDS = 300.0
JITTER = 0.5
ROWS_MAX = 200

# Longer than a URL that was signed for the upload itself is good for, to read it or to write it.
SPENT_AFTER = timedelta(hours=1)

SPENT = "SELECT * FROM neo_spent_uploads($1, $2)"
TAKE = "SELECT * FROM neo_take_orphan_uploads($1, $2)"


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
                await self.sweep_spent()
            except (DatabaseUnavailable, BlobStoreUnavailable) as failure:
                log.warning("upload_sweep_waits", code=failure.code)

    async def sweep(self) -> int:
        """One round, oldest first; how many were removed."""
        removed = 0
        for row in await self.database.look_up(TAKE, self.kept, ROWS_MAX):
            removed += await self._remove(row["tenant_id"], row["id"], row["blob_path"])
        if removed:
            log.info("unused_uploads_removed", count=removed)
        return removed

    async def sweep_spent(self, spent_after: timedelta = SPENT_AFTER) -> int:
        """Remove the uploads of messages: they say where they were taken and what with, and nobody reads them."""
        found = await self.database.look_up(SPENT, spent_after, ROWS_MAX)
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
            # Within the transaction: bytes that cannot be removed keep their row, and no message can claim it now.
            if self.blobs is not None:
                await self.blobs.delete(blob_path)
        return True
