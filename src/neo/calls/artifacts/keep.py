"""Keeps what a call brought."""

import hashlib
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from neo.access import most_for
from neo.attachments import AttachmentStore, shown_name
from neo.blobs import BlobStore, BlobStoreUnavailable
from neo.calls.artifacts.store import ArtifactStore
from neo.db import Database, DatabaseUnavailable

log = structlog.get_logger()

# Long enough for somebody who is asked a month later what an agent has seen.
KEPT = timedelta(days=30)
EXTENSIONS = {
    "application/json": ".json",
    "text/plain": ".txt",
    "text/csv": ".csv",
    "text/html": ".html",
    "text/xml": ".xml",
    "application/xml": ".xml",
    "application/pdf": ".pdf",
    "image/png": ".png",
    "image/jpeg": ".jpg",
}
UNNAMED = "output"
# What a stranger's server calls its bytes is stored, and sent as a header, only if it is a type's name.
TYPE_NAME = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+-]{0,60}", re.ASCII)
NO_TYPE = "application/octet-stream"


@dataclass(frozen=True)
class Artifacts:
    """A call's outcome never hangs on whether its bytes can be kept: where they cannot, there is no artifact."""

    database: Database
    blobs: BlobStore | None
    # What a tenant's attachments and artifacts may take up together, of which each asker has a share; 0: no limit.
    kept_bytes_max: int = 0

    async def keep(
        self,
        tenant_id: UUID,
        turn_id: UUID,
        call_id: str,
        data: bytes,
        media_type: str,
        *,
        name: str = UNNAMED,
    ) -> UUID | None:
        """Keep the bytes for thirty days and return the artifact's id; None where there is no store, none that answers,
        or the tenant has no room left. `name` is what they are called, without an extension.
        """
        if self.blobs is None:
            return None
        mime = _mime_of(media_type)
        stem = shown_name(name) or UNNAMED
        artifact_id = uuid4()
        row = {
            "id": artifact_id,
            "turn_id": turn_id,
            "call_id": call_id,
            "title": stem,
            "filename": f"{stem}{EXTENSIONS.get(mime, '')}",
            "mime": mime,
            "size_bytes": len(data),
            "digest": hashlib.sha256(data).digest(),
        }
        path = f"{tenant_id}/{turn_id}/{artifact_id}"
        try:
            if not await self._note(tenant_id, {**row, "blob_path": path}):
                return None
            await self.blobs.put_new(path, data, mime=mime)
        except (BlobStoreUnavailable, DatabaseUnavailable) as failure:
            log.warning("artifact_not_kept", call_id=call_id, code=failure.code)
            with suppress(DatabaseUnavailable):
                await self._forget(tenant_id, artifact_id)
            return None
        return artifact_id

    async def _note(self, tenant_id: UUID, row: dict[str, Any]) -> bool:
        async with self.database.transaction(tenant_id) as db:
            if self.kept_bytes_max and not await self._has_room(db, tenant_id, row):
                log.info("artifact_without_room", call_id=row["call_id"], size=row["size_bytes"])
                return False
            await ArtifactStore(db, tenant_id).add(kept=KEPT, **row)
        return True

    async def _has_room(self, db: AsyncSession, tenant_id: UUID, row: dict[str, Any]) -> bool:
        asker = await ArtifactStore(db, tenant_id).asker_of(row["turn_id"])
        kept = await AttachmentStore(db, tenant_id).kept_bytes()
        return kept + int(row["size_bytes"]) <= most_for(asker, self.kept_bytes_max)

    async def _forget(self, tenant_id: UUID, artifact_id: UUID) -> None:
        async with self.database.transaction(tenant_id) as db:
            await ArtifactStore(db, tenant_id).remove(artifact_id)


def _mime_of(media_type: str) -> str:
    named = media_type.partition(";")[0].strip().lower()
    return named if TYPE_NAME.fullmatch(named) else NO_TYPE
