"""What a tenant does with its connections; each change is recorded with it, and followed by a look at the server."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession

from neo.access import NO_ROW_BOUNDS, Principal, Right, RowBounds, changing, check_room
from neo.audit import AuditStore
from neo.connections.administer.moves import IMMUTABLE, Move, anew
from neo.connections.administer.operations import (
    OpenApi,
    WrittenOperation,
    check_company_places,
    listing_of,
)
from neo.connections.checks.check import Checker
from neo.connections.checks.findings import told_tools
from neo.connections.checks.listed import store_listed
from neo.connections.checks.refresher import LEASE
from neo.connections.rows.destination import origin_of, purpose_of
from neo.connections.rows.errors import (
    ConnectionFieldImmutable,
    ConnectionTakesNoSecret,
    ConnectionUpdateConflict,
    TooManyChecks,
)
from neo.connections.rows.models import AuthType, Connection
from neo.connections.rows.store import ConnectionStore
from neo.connections.rows.tool_store import ToolStore
from neo.connections.tools import Catalogue
from neo.db import Database
from neo.egress import Egress
from neo.vault import KeyWrapping, Secret, SecretStore

# An OpenAPI document, or operations that were written by hand.
ToldOperations = tuple[OpenApi | None, Sequence[WrittenOperation] | None]
Counted = tuple[Connection, Mapping[str, int]]


@dataclass(frozen=True)
class GivenSecret:
    value: Secret
    expires_at: datetime | None


class ConnectionDesk:
    def __init__(
        self,
        database: Database,
        egress: Egress,
        wrapping: KeyWrapping,
        checker: Checker,
        bounds: RowBounds = NO_ROW_BOUNDS,
    ) -> None:
        self._database = database
        self._egress = egress
        self._wrapping = wrapping
        self._checker = checker
        self._bounds = bounds

    async def page(self, caller: Principal, rows_max: int, *, after: str | None) -> Sequence[Counted]:
        async with self._database.transaction(caller.tenant_id) as db:
            found = await ConnectionStore(db, caller.tenant_id).page(rows_max, after=after)
            counts = await ToolStore(db, caller.tenant_id).counts([one.id for one in found])
            return [(one, counts[one.id]) for one in found]

    async def get(self, caller: Principal, connection_id: UUID) -> Counted:
        async with self._database.transaction(caller.tenant_id) as db:
            found = await ConnectionStore(db, caller.tenant_id).get(connection_id)
            return found, (await ToolStore(db, caller.tenant_id).counts([found.id]))[found.id]

    async def create(
        self, caller: Principal, values: dict[str, Any], secret: GivenSecret | None, told: ToldOperations
    ) -> Counted:
        listing = await listing_of(values["kind"], *told, is_new=True)
        check_company_places(values["kind"], values["company_places"], values["auth"])
        self._check_addresses(values)
        async with changing(self._database, caller, Right.MANAGE_TOOLS) as db:
            store = ConnectionStore(db, caller.tenant_id)
            await check_room(db, caller, store.all(), self._bounds.agent_connections, "connections")
            row = {**values, "id": uuid4(), "created_by": caller.account_id, "due_at": func.now() + LEASE}
            if secret is not None:
                row |= await self._sealed(db, caller, values["url"], values["auth"], secret)
            created = await store.create(row)
            await _list(db, created, listing)
            details = {"name": created.name, "kind": created.kind, "audience": created.audience}
            details |= {"origin": origin_of(created.url), "auth": created.auth["type"]}
            await _record(db, caller, "connection.created", created.id, **details)
        return await self._looked_at(caller, created.id)

    async def update(
        self,
        caller: Principal,
        connection_id: UUID,
        wanted: dict[str, Any],
        told: ToldOperations,
        version: int | None,
    ) -> Counted:
        self._check_addresses(wanted)
        kind = (await self.get(caller, connection_id))[0].kind
        listing = await listing_of(kind, *told, is_new=False)
        async with changing(self._database, caller, Right.MANAGE_TOOLS) as db:
            store = ConnectionStore(db, caller.tenant_id)
            connection = await store.lock(connection_id)
            _check_immutable(connection, wanted)
            if wanted.keys() & {"company_places", "auth"}:
                places = wanted.get("company_places", connection.company_places)
                check_company_places(kind, places, wanted.get("auth", connection.auth))
            if version not in (None, connection.version):
                raise ConnectionUpdateConflict(
                    "The connection was changed meanwhile: read it again, then update it.",
                    details={"version": connection.version},
                )
            changes = {name: value for name, value in wanted.items() if getattr(connection, name) != value}
            asks_anew = bool(changes.keys() & {"url", "auth", "is_disabled"})
            if changes or listing is not None:
                await self._change(db, caller, connection, changes, listing, asks_anew=asks_anew)
        if asks_anew:
            return await self._looked_at(caller, connection_id)
        return await self.get(caller, connection_id)

    async def set_secret(self, caller: Principal, connection_id: UUID, secret: GivenSecret) -> Counted:
        async with changing(self._database, caller, Right.MANAGE_TOOLS) as db:
            store = ConnectionStore(db, caller.tenant_id)
            connection = await store.lock(connection_id)
            if connection.auth["type"] == AuthType.NONE:
                raise ConnectionTakesNoSecret(
                    "The connection signs in with nothing: set another `auth` first."
                )
            old = connection.secret_id
            sealed = await self._sealed(db, caller, connection.url, connection.auth, secret)
            await store.change(connection, {**sealed, "failures": 0, "due_at": func.now() + LEASE})
            if old is not None:
                await SecretStore(db, caller.tenant_id, self._wrapping).delete(old)
            await _record(
                db, caller, "connection.secret_set", connection_id, origin=origin_of(connection.url)
            )
        return await self._looked_at(caller, connection_id)

    async def delete(self, caller: Principal, connection_id: UUID) -> None:
        async with changing(self._database, caller, Right.MANAGE_TOOLS) as db:
            store = ConnectionStore(db, caller.tenant_id)
            connection = await store.lock(connection_id)
            await store.delete(connection_id)
            if connection.secret_id is not None:
                await SecretStore(db, caller.tenant_id, self._wrapping).delete(connection.secret_id)
            await _record(db, caller, "connection.deleted", connection_id, name=connection.name)

    async def check(self, caller: Principal, connection_id: UUID) -> Counted:
        async with changing(self._database, caller, Right.MANAGE_TOOLS) as db:
            await ConnectionStore(db, caller.tenant_id).get(connection_id)
        await self._checker.check(caller.tenant_id, connection_id)
        return await self.get(caller, connection_id)

    async def _change(
        self,
        db: AsyncSession,
        caller: Principal,
        connection: Connection,
        changes: dict[str, Any],
        listing: Catalogue | None,
        *,
        asks_anew: bool,
    ) -> None:
        move = Move.of(connection, changes)
        columns = {**changes, **move.columns()}
        if asks_anew:
            is_off = changes.get("is_disabled", connection.is_disabled)
            columns |= {**anew(), "due_at": None if is_off else func.now() + LEASE}
        changed = await ConnectionStore(db, caller.tenant_id).change(connection, columns)
        fields = sorted([*changes, *(["operations"] if listing is not None else [])])
        await _record(db, caller, "connection.updated", changed.id, fields=fields)
        if dropped := await move.finish(db, changed, self._wrapping):
            await _record(db, caller, "connection.moved", changed.id, **dropped)
        await _list(db, changed, listing)

    async def _looked_at(self, caller: Principal, connection_id: UUID) -> Counted:
        """The connection after a look at its server. What was changed is stored, whatever becomes of the look."""
        # Not looked at now, it is due when its lease has passed.
        with suppress(TooManyChecks):
            await self._checker.check(caller.tenant_id, connection_id)
        return await self.get(caller, connection_id)

    async def _sealed(
        self, db: AsyncSession, caller: Principal, url: str, auth: Mapping[str, Any], secret: GivenSecret
    ) -> dict[str, Any]:
        store = SecretStore(db, caller.tenant_id, self._wrapping)
        secret_id = await store.add(purpose_of(url, auth), secret.value)
        return {"secret_id": secret_id, "secret_expires_at": secret.expires_at}

    def _check_addresses(self, values: Mapping[str, Any]) -> None:
        """Refuse at once what no look would reach; what a name leads to is seen by the look."""
        for address in (values.get("url"), values.get("auth", {}).get("token_url")):
            if address is not None:
                self._egress.check(address)


def _check_immutable(connection: Connection, wanted: dict[str, Any]) -> None:
    fields = {
        name: "cannot be changed"
        for name in IMMUTABLE
        if wanted.get(name, getattr(connection, name)) != getattr(connection, name)
    }
    if fields:
        raise ConnectionFieldImmutable(
            f"Set when the connection is made, for good: {', '.join(fields)}. Make another one.",
            details={"fields": fields},
        )


async def _list(db: AsyncSession, connection: Connection, listing: Catalogue | None) -> None:
    """Store which operations an API has, where they were sent."""
    if listing is not None:
        await ConnectionStore(db, connection.tenant_id).note(connection.id, {"is_cut": listing.is_cut})
        await store_listed(db, connection, told_tools(listing))


async def _record(
    db: AsyncSession, caller: Principal, action: str, connection_id: UUID, **details: Any
) -> None:
    await AuditStore(db, caller.tenant_id).add(
        caller.actor, action, "connection", connection_id, details=details
    )
