"""Removes uploads that no message ever used, and those whose pixels are kept by now."""

import asyncio
import random
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import Row, text

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
TAKE = text("SELECT tenant_id, id, blob_path FROM neo_take_orphan_uploads(:older_than, :rows_max)")


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
        async with self.database.without_tenant() as connection:
            found = (await connection.execute(TAKE, {"older_than": self.kept, "rows_max": ROWS_MAX})).all()
        removed = 0
        for row in found:
            removed += await self._remove(row)
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

    async def _remove(self, row: Row[tuple[UUID, UUID, str]]) -> bool:
        async with self.database.transaction(row.tenant_id) as db:
            if not await AttachmentStore(db, row.tenant_id).remove_unused(row.id):
                return False
            # Within the transaction: bytes that cannot be removed keep their row, and no message can claim it now.
            if self.blobs is not None:
                await self.blobs.delete(row.blob_path)
        return True
