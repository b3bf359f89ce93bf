from uuid import UUID

from neo.access import Principal
from neo.db import Database
from neo.sessions import ChatSession, SessionStore, check_writable


class Archivist:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def archive(self, caller: Principal, session_id: UUID) -> ChatSession:
        """No more messages from now on; a turn that is under way ends as it would have. Twice is as once."""
        async with self._database.transaction(caller.tenant_id) as db:
            sessions = SessionStore(db, caller.tenant_id)
            session = await sessions.lock(session_id)
            check_writable(caller, session)
            await sessions.archive(session)
            return session
