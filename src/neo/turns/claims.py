"""Which claim an attempt writes its turn's events with."""

from uuid import UUID

from neo.db import Database
from neo.turns.contract import TurnInput
from neo.turns.models import ChatTurn
from neo.turns.retry import until_database_answers
from neo.turns.store import TurnStore


class Claims:
    """One attempt's claims: first the one that it began with, then a new one each time its stream was lost."""

    def __init__(self, database: Database, turn: TurnInput, row: ChatTurn) -> None:
        self._database = database
        self._turn = turn
        self._claim = row.claim
        self._is_first_used = False

    async def next(self) -> int:
        """The claim to write with from now on; raises `Fenced` when the turn has ended or has a newer claim."""
        if self._is_first_used:
            self._claim = await until_database_answers(self._raise)
        self._is_first_used = True
        return self._claim

    async def _raise(self) -> int:
        tenant_id = UUID(self._turn.tenant_id)
        async with self._database.transaction(tenant_id) as db:
            return await TurnStore(db, tenant_id).next_claim(UUID(self._turn.turn_id), self._claim)
