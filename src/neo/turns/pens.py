from uuid import UUID

from neo.db import Database
from neo.turns.contract import TurnInput
from neo.turns.models import ChatTurn
from neo.turns.patience import patiently
from neo.turns.store import TurnStore


class Pens:
    """The attempt's own pen first, and a new one each time its stream was lost."""

    def __init__(self, database: Database, turn: TurnInput, row: ChatTurn) -> None:
        self._database = database
        self._turn = turn
        self._pen = row.pen
        self._is_claimed = False

    async def claim(self) -> int:
        if self._is_claimed:
            self._pen = await patiently(self._next)
        self._is_claimed = True
        return self._pen

    async def _next(self) -> int:
        tenant_id = UUID(self._turn.tenant_id)
        async with self._database.transaction(tenant_id) as db:
            return await TurnStore(db, tenant_id).next_pen(UUID(self._turn.turn_id), self._pen)
