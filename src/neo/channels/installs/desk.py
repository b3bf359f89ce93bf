"""Where a white-label channel's bot is installed: the customers' Microsoft tenants."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from neo.access import NO_ROW_BOUNDS, Principal, Right, RowBounds, changing, check_room
from neo.agents import Audience
from neo.audit import AuditStore
from neo.channels.bots.allowed import check_bot
from neo.channels.errors import ChannelNotWhiteLabel, EndClientTenantIdInvalid
from neo.channels.installs.store import InstallStore, no_such_install
from neo.channels.models import Channel, ChannelInstall
from neo.channels.store import ChannelStore
from neo.db import Database


class InstallDesk:
    """A customer id that is no GUID arrives as None, because an unknown channel is reported first."""

    def __init__(self, database: Database, bounds: RowBounds = NO_ROW_BOUNDS) -> None:
        self._database = database
        self._bounds = bounds

    async def page(
        self, caller: Principal, channel_id: UUID, rows_max: int, after: UUID | None
    ) -> Sequence[ChannelInstall]:
        async with self._database.transaction(caller.tenant_id) as db:
            channel = await ChannelStore(db, caller.tenant_id).get(channel_id)
            return await InstallStore(db, channel).page(rows_max, after=after)

    async def put(
        self, caller: Principal, channel_id: UUID, end_client_tenant_id: UUID | None
    ) -> ChannelInstall:
        """Install it; a second call changes nothing."""
        async with changing(self._database, caller, Right.MANAGE_TENANT) as db:
            channel = await ChannelStore(db, caller.tenant_id).lock(channel_id)
            wanted = _checked(channel, end_client_tenant_id)
            installs = InstallStore(db, channel)
            found = await installs.find(wanted)
            if found is None:
                await check_bot(db, channel.bot_id, Audience.END_USER, wanted)
                await check_room(
                    db, caller, installs.all(), self._bounds.installs, "installs of this channel"
                )
                found = await installs.add(wanted)
                await _record(db, caller, "channel.install_added", channel, wanted)
            return found

    async def remove(self, caller: Principal, channel_id: UUID, end_client_tenant_id: UUID | None) -> None:
        async with changing(self._database, caller, Right.MANAGE_TENANT) as db:
            channel = await ChannelStore(db, caller.tenant_id).lock(channel_id)
            if end_client_tenant_id is None:
                raise no_such_install()
            await InstallStore(db, channel).remove(end_client_tenant_id)
            await _record(db, caller, "channel.install_removed", channel, end_client_tenant_id)


def _checked(channel: Channel, end_client_tenant_id: UUID | None) -> UUID:
    if end_client_tenant_id is None:
        problem = "is not a GUID"
        raise EndClientTenantIdInvalid(
            "The customer's Microsoft tenant is named by its id, a GUID.",
            details={"fields": {"end_client_tenant_id": problem}},
        )
    if channel.audience != Audience.END_USER:
        raise ChannelNotWhiteLabel("Only END_USER channels are installed at customers.")
    return end_client_tenant_id


async def _record(
    db: AsyncSession, caller: Principal, action: str, channel: Channel, end_client_tenant_id: UUID
) -> None:
    details = {"end_client_tenant_id": str(end_client_tenant_id)}
    await AuditStore(db, caller.tenant_id).add(caller.actor, action, "channel", channel.id, details=details)
