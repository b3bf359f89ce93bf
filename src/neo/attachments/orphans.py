"""Removes uploads that no message ever used."""

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

    async def _remove(self, row: Row[tuple[UUID, UUID, str]]) -> bool:
        async with self.database.transaction(row.tenant_id) as db:
            if not await AttachmentStore(db, row.tenant_id).remove_unused(row.id):
                return False
            # Within the transaction: bytes that cannot be removed keep their row, and no message can claim it now.
            if self.blobs is not None:
                await self.blobs.delete(row.blob_path)
        return True
