"""What a waiting turn waits for has come: a decision, or the outcome of a call that runs apart."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from neo.db import Database
from neo.streams import Valkey
from neo.turns.wake_ups import publish_claimable


@dataclass(frozen=True)
class Resumer:
    """Each is written under the turn's lock and makes the turn claimable. Of two for one call exactly one counts."""

    database: Database
    valkey: Valkey

    async def decide(self, tenant_id: UUID, call_id: str, decision: str) -> bool:
        """APPROVED or REJECTED; false where the tenant has no such call, or nobody is asked about it any more."""
        return await self._write("neo_decide_request", tenant_id, call_id, decision)

    async def end_call(self, tenant_id: UUID, call_id: str, outcome: dict[str, Any]) -> bool:
        """`outcome` has an `output` or an `error_text`; false where no call of this id runs apart."""
        status = "OK" if "output" in outcome else "FAILED"
        return await self._write("neo_end_call", tenant_id, call_id, status, orjson.dumps(outcome).decode())

    async def _write(self, function: str, *values: object) -> bool:
        [row] = await self.database.call(function, *values)
        if row[0]:
            await publish_claimable(self.valkey)
        return bool(row[0])
