"""What a turn's driver may do to the turn's calls, and what it writes of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from neo.calls.ended import Ended
from neo.db import Database, record_json, storing, until_database_answers
from neo.events import Fenced
from neo.stops import DispatchRules

FENCED = "fenced"


@dataclass(frozen=True, slots=True)
class Holding:
    """The right to write a turn's segment, as its calls need it."""

    database: Database
    tenant_id: UUID
    turn_id: UUID
    lease_id: UUID
    segment: int
    rules: DispatchRules
    # The stream may be lost meanwhile, which raises the claim.
    claim: Callable[[], int]

    async def dispatch(self, call_id: str, attempt: int) -> str | None:
        """Say that the call may have left from now on. A code: it must not leave. Raises `Fenced`."""
        found = await self._asked("neo_dispatch_call", call_id, attempt, self.rules.as_json())
        if found == FENCED:
            raise _fenced()
        return None if found is None else str(found)

    async def note(self, call_id: str, ended: Ended) -> None:
        """Write how the call has ended, while others of its segment go on. Raises `Fenced` and `RecordUnstorable`."""
        with storing():
            if not await self._asked("neo_note_outcomes", record_json([ended.row(call_id)])):
                raise _fenced()

    async def _asked(self, function: str, *values: Any) -> Any:
        mine = (self.tenant_id, self.turn_id, self.lease_id, self.segment)
        [row] = await until_database_answers(
            lambda: self.database.call(function, *mine, self.claim(), *values)
        )
        return row[0]


def _fenced() -> Fenced:
    return Fenced("The turn has ended, or somebody else has claimed it.")
