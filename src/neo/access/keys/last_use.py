"""Records when a key was last used, in the background and to about the minute."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import func, update

from neo.access.keys.models import ApiKey
from neo.db import Database
from neo.errors import Failure

log = structlog.get_logger()

EVERY = timedelta(seconds=30)
# Writes must not take the connections that requests need.
WRITES_MAX = 4


class LastUse:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._writing: dict[UUID, asyncio.Task[None]] = {}

    def note(self, tenant_id: UUID, key_id: UUID, before: datetime | None) -> None:
        is_fresh = before is not None and datetime.now(UTC) - before < EVERY
        if is_fresh or key_id in self._writing or len(self._writing) >= WRITES_MAX:
            return
        task = asyncio.get_running_loop().create_task(self._write(tenant_id, key_id), name="key-last-use")
        self._writing[key_id] = task
        task.add_done_callback(lambda _: self._writing.pop(key_id, None))

    async def _write(self, tenant_id: UUID, key_id: UUID) -> None:
        mine = (ApiKey.tenant_id == tenant_id) & (ApiKey.id == key_id)
        try:
            async with self._database.transaction(tenant_id) as db:
                await db.execute(update(ApiKey).where(mine).values(last_used_at=func.now()))
        except Failure as failure:
            log.info("last_use_not_written", code=failure.code)
