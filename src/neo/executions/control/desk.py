from uuid import UUID

from neo.access import Principal
from neo.chat import Canceller, Retried, Retrier
from neo.db import Database
from neo.executions.errors import ExecutionAlreadyFinished
from neo.executions.store import Execution, ExecutionStore
from neo.turns.models import TurnStatus


class ControlDesk:
    def __init__(self, database: Database, canceller: Canceller, retrier: Retrier) -> None:
        self._database = database
        self._canceller = canceller
        self._retrier = retrier

    async def cancel(self, caller: Principal, execution_id: UUID) -> None:
        """Stop it; twice is as once while it is stopping."""
        found = await self._find(caller, execution_id)
        if not found.turn.is_open:
            raise ExecutionAlreadyFinished(f"It has ended: {TurnStatus(found.turn.status).value}.")
        await self._canceller.cancel(caller, found.session.id, execution_id)

    async def retry(self, caller: Principal, execution_id: UUID) -> Retried:
        found = await self._find(caller, execution_id)
        return await self._retrier.retry(caller, found.session.id, execution_id)

    async def _find(self, caller: Principal, execution_id: UUID) -> Execution:
        async with self._database.transaction(caller.tenant_id) as db:
            return await ExecutionStore(db, caller).get(execution_id)
