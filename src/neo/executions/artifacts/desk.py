from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from neo.access import Principal
from neo.attachments import BlobUrls
from neo.calls import Artifact, ArtifactStore
from neo.db import Database
from neo.executions.errors import ArtifactNotFound
from neo.executions.store import ExecutionStore


class ArtifactDesk:
    def __init__(self, database: Database, urls: BlobUrls) -> None:
        self._database = database
        self._urls = urls

    async def page(
        self, caller: Principal, execution_id: UUID, rows_max: int, *, before: tuple[datetime, UUID] | None
    ) -> Sequence[Artifact]:
        async with self._database.transaction(caller.tenant_id) as db:
            await ExecutionStore(db, caller).get(execution_id)
            return await ArtifactStore(db, caller.tenant_id).of_turn(execution_id, rows_max, before=before)

    async def get(self, caller: Principal, execution_id: UUID, artifact_id: UUID) -> Artifact:
        async with self._database.transaction(caller.tenant_id) as db:
            await ExecutionStore(db, caller).get(execution_id)
            found = await ArtifactStore(db, caller.tenant_id).find(execution_id, artifact_id)
        if found is None:
            raise ArtifactNotFound("The execution has no such artifact, or not any more.")
        return found

    async def url_of(self, artifact: Artifact, base_url: str) -> str:
        return await self._urls.for_download(base_url, artifact.blob_path, artifact.filename)
