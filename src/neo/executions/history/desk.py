from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from neo.access import Author, Principal
from neo.db import Database
from neo.executions.history.filters import Filters
from neo.executions.store import Execution, ExecutionStore
from neo.sessions import AuthorStore, ShownAuthor

Moment = tuple[datetime, UUID]
# Each execution with who asked for it.
Shown = list[tuple[Execution, ShownAuthor | None]]


class ExecutionDesk:
    """What agents did, for whoever may read it. One row more than asked for tells whether there is a next page."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, caller: Principal, execution_id: UUID) -> tuple[Execution, ShownAuthor | None]:
        async with self._database.transaction(caller.tenant_id) as db:
            found = await ExecutionStore(db, caller).get(execution_id)
            [shown] = await _with_authors(db, caller, [found])
            return shown

    async def page(
        self, caller: Principal, filters: Filters, rows_max: int, *, before: Moment | None
    ) -> tuple[Shown, Moment | None]:
        """The page, and where the next one begins if that does not follow from the rows: a search looks at so many."""
        conditions = filters.conditions()
        if conditions is None:
            return [], None
        async with self._database.transaction(caller.tenant_id) as db:
            store, end = ExecutionStore(db, caller), None
            if filters.q:
                found, end = await store.searched(rows_max, conditions, before=before, said=filters.q)
            else:
                found = await store.newest(rows_max, conditions, before=before)
            return await _with_authors(db, caller, found), end


async def _with_authors(db: AsyncSession, caller: Principal, found: Sequence[Execution]) -> Shown:
    """Whom a relay spoke for is a session's, so each session's are asked for."""
    store, names = AuthorStore(db, caller.tenant_id), dict[UUID, dict[Author, ShownAuthor]]()
    sessions = {one.session.id: one.session for one in found}
    for session_id, session in sessions.items():
        authors = [one.turn.author for one in found if one.session.id == session_id]
        names[session_id] = await store.shown_to(caller, session, authors)
    return [(one, names[one.session.id].get(one.turn.author) if one.turn.author else None) for one in found]
