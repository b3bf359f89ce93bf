"""Keeps what a call brought."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import structlog

from neo.attachments import AttachmentStore, shown_name
from neo.blobs import BlobStore, BlobStoreUnavailable
from neo.calls.artifacts.store import ArtifactStore
from neo.db import Database

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


@dataclass(frozen=True)
class Artifacts:
    """A call's outcome never hangs on whether its bytes can be kept: where they cannot, there is no artifact."""

    database: Database
    blobs: BlobStore | None
    # What a tenant's attachments and artifacts may take up together; 0: no limit.
    kept_bytes_max: int = 0

    async def keep(
        self, tenant_id: UUID, turn_id: UUID, call_id: str, data: bytes, media_type: str, *, name: str = UNNAMED
    ) -> UUID | None:
        """Keep the bytes for thirty days and return the artifact's id; None where there is no store, none that answers,
        or the tenant has no room left. `name` is what they are called, without an extension.
        """
        if self.blobs is None:
            return None
        artifact_id = uuid4()
        path = f"{tenant_id}/{turn_id}/{artifact_id}"
        mime = media_type.partition(";")[0].strip().lower()
        stem = shown_name(name) or UNNAMED
        async with self.database.transaction(tenant_id) as db:
            if 0 < self.kept_bytes_max < await AttachmentStore(db, tenant_id).kept_bytes() + len(data):
                log.info("artifact_without_room", call_id=call_id, size=len(data))
                return None
            await ArtifactStore(db, tenant_id).add(
                kept=KEPT,
                id=artifact_id,
                turn_id=turn_id,
                call_id=call_id,
                title=stem,
                filename=f"{stem}{EXTENSIONS.get(mime, '')}",
                mime=mime,
                size_bytes=len(data),
                digest=hashlib.sha256(data).digest(),
                blob_path=path,
            )
        try:
            await self.blobs.put_new(path, data, mime=mime)
        except BlobStoreUnavailable as failure:
            log.warning("artifact_not_kept", call_id=call_id, code=failure.code)
            async with self.database.transaction(tenant_id) as db:
                await ArtifactStore(db, tenant_id).remove(artifact_id)
            return None
        return artifact_id
