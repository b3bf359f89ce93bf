"""How a step gets its turn: few at a time, and once nobody else has it in hand."""

import asyncio
from datetime import timedelta
from uuid import UUID

from neo.db import Database
from neo.turns.errors import BegunElsewhere, TurnNotFound
from neo.turns.models import ChatTurn
from neo.turns.prompt import Earlier, Task, begin_task, read_transcript
from neo.turns.retry import until_database_answers
from neo.turns.store import TurnStore
from neo.turns.temporal.contract import STEP_ATTEMPTS_MAX, TurnInput

# Nothing was said before it.
FIRST_TURN = 1
# Reads from PostgreSQL for steps that begin, at once in one process. A hundred turns that begin in one moment would
# take the connections and the loop from whoever posts the next message.
BEGINNINGS_MAX = 8
# Between two looks at a turn that another process has in hand.
LOOK_SECONDS = 0.5


class Beginnings:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._places = asyncio.Semaphore(BEGINNINGS_MAX)

    async def begin(self, turn: TurnInput, held_for: timedelta | None, *, is_first: bool) -> Task | None:
        """Begin the turn; None when it has ended.

        A first attempt waits for as long as another process has the turn in hand: that one answers it, or dies. Whoever
        would hold the turn, before Temporal hears of it, does not wait: `BegunElsewhere`.
        """
        while True:
            task = await until_database_answers(lambda: self._begun(turn, held_for, is_first=is_first))
            # A step that ended while Temporal was away runs again, and must do nothing.
            if task is not None or not await self._is_open(turn):
                return task
            if held_for is not None:
                raise BegunElsewhere
            await asyncio.sleep(LOOK_SECONDS)

    async def is_exhausted(self, turn: TurnInput) -> bool:
        """Whether the turn has been begun as often as it may be."""
        return await self._is_open(turn, attempts=STEP_ATTEMPTS_MAX)

    async def transcript(self, task: Task, tokens_max: int) -> tuple[list[Earlier], int]:
        """What was said before, and how many messages were left unread."""
        if task.turn.turn_no == FIRST_TURN:
            return [], 0
        return await until_database_answers(lambda: self._read(task, tokens_max))

    async def _begun(self, turn: TurnInput, held_for: timedelta | None, *, is_first: bool) -> Task | None:
        tenant_id, turn_id = UUID(turn.tenant_id), UUID(turn.turn_id)
        async with self._places:
            return await begin_task(self._database, tenant_id, turn_id, held_for, is_first=is_first)

    async def _is_open(self, turn: TurnInput, *, attempts: int = 0) -> bool:
        """Whether it has not ended, and was begun so often at least."""
        try:
            found = await until_database_answers(lambda: self._look(turn))
        except TurnNotFound:
            # The database was restored to an earlier day: Temporal knows more turns than it.
            return False
        return found.is_open and found.attempts >= attempts

    async def _look(self, turn: TurnInput) -> ChatTurn:
        tenant_id = UUID(turn.tenant_id)
        async with self._database.transaction(tenant_id) as db:
            return await TurnStore(db, tenant_id).get(UUID(turn.session_id), UUID(turn.turn_id))

    async def _read(self, task: Task, tokens_max: int) -> tuple[list[Earlier], int]:
        async with self._places, self._database.transaction(task.turn.tenant_id) as db:
            return await read_transcript(db, task.turn, tokens_max)
