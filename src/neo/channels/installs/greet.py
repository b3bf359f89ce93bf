"""Finds the branding that the platform's relay greets with, when Teams reports that a bot was installed."""

from uuid import UUID

from neo.access import Principal, Right, hold_right
from neo.audit import AuditStore
from neo.channels.models import Channel
from neo.channels.routing.destination import find_owner, find_white_label
from neo.db import Database


class Greeter:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def report(self, caller: Principal, bot_id: UUID, end_client_tenant_id: UUID) -> Channel | None:
        """The channel that is installed there, of any tenant; the request is recorded in that tenant's audit log."""
        owner = await find_owner(self._database, bot_id, end_client_tenant_id)
        if owner is None:
            return None
        async with self._database.transaction(owner) as db:
            await hold_right(db, caller, Right.RELAY)
            # Read again in the owner's own transaction: the install may have been removed meanwhile.
            channel = await find_white_label(db, owner, bot_id, end_client_tenant_id)
            if channel is not None:
                details = {"end_client_tenant_id": str(end_client_tenant_id)}
                await AuditStore(db, owner).add(
                    caller.actor, "channel.install_reported", "channel", channel.id, details=details
                )
            return channel
