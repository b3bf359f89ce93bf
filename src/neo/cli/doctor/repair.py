"""`neo doctor --repair`: repairs what the checks found, one kind at a time, after a question."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import typer

from neo.cli.doctor.findings import Finding, problem, repaired
from neo.errors import Edge, Failure, Kind
from neo.settings import plain

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Select, Subquery

    from neo.attachments import OrphanSweeper
    from neo.db import Database
    from neo.settings import Settings
    from neo.turns.sweep import Sweeper
    from neo.turns.temporal.connect import TemporalConnection
    from neo.turns.temporal.contract import TurnInput

CONNECT_SECONDS = 5.0


class TemporalNotThere(Failure):
    """`neo doctor --repair` was to start turns, and Temporal does not answer."""

    kind = Kind.UNAVAILABLE
    code = "temporal_not_there"
    remedy = "Start it, and repair again; a server that runs starts its turns by itself."
    edges = (Edge.COMMAND_LINE,)


@dataclass(frozen=True)
class Repair:
    """`does` completes the question "Repair ...?"; `run` takes the query of what is broken and says what was done."""

    does: str
    run: Callable[["RepairContext", str], Awaitable[str]]


@dataclass
class RepairContext:
    """The connections that repairs use, each opened when it is first needed."""

    settings: "Settings"
    owner: "Database"
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _database: "Database | None" = None
    _temporal: "TemporalConnection | None" = None
    _sweeper: "Sweeper | None" = None

    @property
    def database(self) -> "Database":
        """The database as the application's role, which writes for one tenant at a time."""
        from neo.db import Database  # noqa: PLC0415 - imports of seconds stay out of `--help`.

        if self._database is None:
            self._database = Database(plain(self.settings.database.database_url) or "", connections_max=2)
            self._stack.push_async_callback(self._database.aclose)
        return self._database

    async def turns(self, broken: str) -> list["TurnInput"]:
        from sqlalchemy import select  # noqa: PLC0415

        from neo.turns.models import ChatTurn  # noqa: PLC0415
        from neo.turns.temporal.contract import TurnInput  # noqa: PLC0415

        wanted = select(ChatTurn.tenant_id, ChatTurn.session_id, ChatTurn.id)
        async with self.owner.without_tenant() as connection:
            found = (await connection.execute(wanted.where(ChatTurn.id.in_(ids_in(broken))))).all()
        return [TurnInput(str(row.tenant_id), str(row.session_id), str(row.id)) for row in found]

    async def sweeper(self, *, with_temporal: bool) -> "Sweeper":
        """The same sweeper with which a server starts and ends turns."""
        from neo.events import EventLog  # noqa: PLC0415
        from neo.streams import Valkey  # noqa: PLC0415
        from neo.turns.end import TurnEnder  # noqa: PLC0415
        from neo.turns.starting.start import TurnStarter  # noqa: PLC0415
        from neo.turns.sweep import Sweeper  # noqa: PLC0415
        from neo.turns.temporal.connect import TemporalConnection  # noqa: PLC0415

        if self._sweeper is None:
            chosen = self.settings.temporal
            self._temporal = TemporalConnection(
                chosen.temporal_address or "",
                chosen.temporal_namespace,
                tls=chosen.temporal_tls,
                api_key=plain(chosen.temporal_api_key),
            )
            valkey = Valkey(plain(self.settings.streams.redis_url) or "")
            self._stack.push_async_callback(valkey.aclose)
            starter = TurnStarter(self._temporal, chosen.temporal_task_queue)
            self._stack.push_async_callback(starter.aclose)
            self._sweeper = Sweeper(
                self.database, starter, TurnEnder(self.database, starter), EventLog(valkey)
            )
        if with_temporal and self._temporal is not None:
            await _bounded(self._temporal.connect())
        return self._sweeper

    def orphans(self) -> "OrphanSweeper":
        from datetime import timedelta  # noqa: PLC0415

        from neo.attachments import OrphanSweeper  # noqa: PLC0415
        from neo.resources import blob_store  # noqa: PLC0415

        kept = timedelta(hours=self.settings.blobs.upload_hours)
        return OrphanSweeper(self.database, blob_store(self.settings.blobs), kept)

    async def aclose(self) -> None:
        await self._stack.aclose()


@dataclass(frozen=True)
class Repairer:
    """Repairs what a check has found, and nothing else."""

    context: RepairContext
    asks: bool

    async def repair(self, name: str, repair: Repair, broken: str) -> list[Finding]:
        """What was done, or why it failed; nothing when the operator answers no."""
        if self.asks and not typer.confirm(f"Repair `{name}`: {repair.does}?", err=True):
            return []
        from neo.telemetry import configure_logs  # noqa: PLC0415

        # Log lines of the turns' code go to stderr, and errors only.
        configure_logs(log_format="console", level="error")
        try:
            return [repaired(name, await repair.run(self.context, broken))]
        except Failure as failure:
            return [problem(name, f"It could not be repaired. {failure.message}")]


def broken_ids(broken: str) -> "Subquery":
    """What a check's query finds, as a table with an `id`."""
    from sqlalchemy import Uuid, text  # noqa: PLC0415

    return text(broken).columns(id=Uuid).subquery("broken")


def ids_in(broken: str) -> "Select[UUID]":
    from sqlalchemy import select  # noqa: PLC0415

    return select(broken_ids(broken).c.id)


async def _bounded(connecting: Awaitable[None]) -> None:
    try:
        await asyncio.wait_for(connecting, CONNECT_SECONDS)
    except TimeoutError as error:
        raise TemporalNotThere(
            "Temporal does not answer, and only it can start turns: a server that runs starts them by itself."
        ) from error
