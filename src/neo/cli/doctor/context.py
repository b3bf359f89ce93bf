"""What repairs work with: connections, and the functions with which servers do the same."""

from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from neo.settings import plain

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Select, Subquery

    from neo.attachments import OrphanSweeper
    from neo.db import Database
    from neo.settings import Settings
    from neo.streams import Valkey
    from neo.turns.sweep import Sweeper


@dataclass
class RepairContext:
    """The connections that repairs use, each opened when it is first needed. Valkey need not be there."""

    settings: "Settings"
    owner: "Database"
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _database: "Database | None" = None
    _valkey: "Valkey | None" = None

    @property
    def database(self) -> "Database":
        """The database as the application's role, which writes for one tenant at a time."""
        from neo.db import Database  # noqa: PLC0415 - imports of seconds stay out of `--help`.

        if self._database is None:
            self._database = Database(plain(self.settings.database.database_url) or "", connections_max=2)
            self._stack.push_async_callback(self._database.aclose)
        return self._database

    @property
    def valkey(self) -> "Valkey":
        from neo.streams import Valkey  # noqa: PLC0415

        if self._valkey is None:
            self._valkey = Valkey(plain(self.settings.streams.redis_url) or "")
            self._stack.push_async_callback(self._valkey.aclose)
        return self._valkey

    @property
    def sweeper(self) -> "Sweeper":
        """The same with which a server acts on what is due."""
        from neo.events import EventLog  # noqa: PLC0415
        from neo.turns.end import TurnEnder  # noqa: PLC0415
        from neo.turns.sweep import Sweeper  # noqa: PLC0415

        ender = TurnEnder(self.database, EventLog(self.valkey))
        return Sweeper(self.database, self.valkey, ender)

    async def wake(self) -> None:
        """Have those that run turns look for what may be claimed."""
        from neo.turns.wake_ups import publish_claimable  # noqa: PLC0415

        await publish_claimable(self.valkey)

    def orphans(self) -> "OrphanSweeper":
        from datetime import timedelta  # noqa: PLC0415

        from neo.attachments import OrphanSweeper  # noqa: PLC0415
        from neo.resources import blob_store  # noqa: PLC0415

        kept = timedelta(hours=self.settings.blobs.upload_hours)
        return OrphanSweeper(self.database, blob_store(self.settings.blobs), kept)

    async def aclose(self) -> None:
        await self._stack.aclose()


def broken_ids(broken: str) -> "Subquery":
    """What a check's query finds, as a table with an `id`."""
    from sqlalchemy import Uuid, text  # noqa: PLC0415

    return text(broken).columns(id=Uuid).subquery("broken")


def ids_in(broken: str) -> "Select[UUID]":
    from sqlalchemy import select  # noqa: PLC0415

    return select(broken_ids(broken).c.id)


async def change_turns(context: RepairContext, broken: str, **values: Any) -> int:
    """Change what the check's query finds at this moment, in one statement; returns how many turns it were."""
    from sqlalchemy import update  # noqa: PLC0415

    from neo.turns.models import ChatTurn  # noqa: PLC0415

    change = update(ChatTurn).where(ChatTurn.id.in_(ids_in(broken))).values(values)
    async with context.owner.without_tenant() as connection:
        return (await connection.execute(change)).rowcount
