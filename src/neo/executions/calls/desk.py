from datetime import UTC, datetime
from uuid import UUID

import orjson

from neo.access import Principal
from neo.audit import AuditStore
from neo.db import Database, call_within
from neo.executions.errors import CallAlreadyResolved, CallNotUnknown
from neo.executions.store import ExecutionStore
from neo.turns.models import ApprovalRequestRow, ToolCallRow

# What the model is told, behind what it was told before.
SENTENCES = {
    "DONE": "Since then somebody has made sure that it was done.",
    "NOT_DONE": "Since then somebody has made sure that it was not done.",
}

Call = tuple[ToolCallRow, ApprovalRequestRow | None]


class CallDesk:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, caller: Principal, execution_id: UUID, call_id: str) -> Call:
        async with self._database.transaction(caller.tenant_id) as db:
            store = ExecutionStore(db, caller)
            await store.get(execution_id)
            return await store.call(execution_id, call_id)

    async def resolve(
        self, caller: Principal, execution_id: UUID, call_id: str, outcome: str, note: str | None
    ) -> Call:
        """Say what became of a call that is UNKNOWN. The first who says so counts."""
        async with self._database.transaction(caller.tenant_id) as db:
            store = ExecutionStore(db, caller)
            await store.get(execution_id)
            await store.call(execution_id, call_id)
            found = {
                "outcome": outcome,
                "by": str(caller.account_id),
                "credential": str(caller.credential_id) if caller.credential_id else None,
                "at": datetime.now(UTC).isoformat(),
                "note": note,
            }
            sentence = f"{SENTENCES[outcome]} They say: {note}" if note else SENTENCES[outcome]
            resolved = await call_within(
                db,
                "neo_resolve_call",
                *(caller.tenant_id, execution_id, call_id),
                *(orjson.dumps(found).decode(), sentence),
            )
            call, request = await store.call(execution_id, call_id)
            # It was read before somebody else's resolution was waited for.
            await db.refresh(call)
            if not resolved:
                raise _refused(call)
            await AuditStore(db, caller.tenant_id).add(
                caller.actor,
                "call.resolved",
                "call",
                call_id,
                details={"execution_id": str(execution_id), "outcome": outcome},
            )
            return call, request


def _refused(call: ToolCallRow) -> CallNotUnknown | CallAlreadyResolved:
    if call.resolution is None:
        return CallNotUnknown(f"The call is {call.status}: only one that is UNKNOWN is resolved.")
    by, at, outcome = (call.resolution[name] for name in ("by", "at", "outcome"))
    return CallAlreadyResolved(
        f"Somebody has said {outcome} before.", details={"by": by, "at": at, "outcome": outcome}
    )
