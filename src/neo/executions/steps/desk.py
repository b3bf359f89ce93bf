from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from asyncpg import Record

from neo.access import Principal
from neo.db import PAGE_BYTES_MAX, Database, call_within
from neo.executions.steps.schemas import StepType
from neo.executions.store import ExecutionStore

# Turns without a step that is asked for; the next page goes on after them.
TURNS_MAX = 500


@dataclass(frozen=True)
class Wanted:
    """Which steps; all of them where nothing is named."""

    types: Sequence[StepType] = ()
    tool_type_name: str | None = None
    number: int | None = None
    with_data: bool = True


class StepDesk:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, caller: Principal, path_id: UUID, wanted: Wanted, rows_max: int, *, after: int
    ) -> tuple[list[Record], int | None]:
        """Steps of an execution, or of all of a session's, oldest first; and after which number there may be more."""
        async with self._database.transaction(caller.tenant_id) as db:
            store = ExecutionStore(db, caller)
            session = await store.find_session(path_id)
            of_turn = None if session is not None else path_id
            if session is None:
                session = (await store.get(path_id)).session
            rows = await call_within(
                db,
                "neo_execution_steps",
                caller.tenant_id,
                session.id,
                of_turn,
                after,
                wanted.number,
                [one.value for one in wanted.types] or None,
                wanted.tool_type_name.lower() if wanted.tool_type_name is not None else None,
                wanted.with_data,
                rows_max,
                PAGE_BYTES_MAX,
                TURNS_MAX,
            )
        steps = [row for row in rows if row["type"] is not None]
        return steps, rows[-1]["number"] if len(steps) < len(rows) else None
