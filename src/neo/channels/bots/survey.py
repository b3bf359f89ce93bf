"""All bots that are somebody's or that a channel names, for the operator, who decides whose they are."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from neo.agents import Audience
from neo.channels.models import Bot, Channel, ChannelInstall, ChannelStatus
from neo.tenants import Tenant


@dataclass(frozen=True)
class NamedBy:
    """A channel that names a bot."""

    channel_id: UUID
    tenant_id: UUID
    audience: str
    status: str


@dataclass(frozen=True)
class KnownBot:
    """`tenant_id` is None for a bot that channels name and that is nobody's."""

    id: UUID
    tenant_id: UUID | None
    granted_at: datetime | None
    named_by: list[NamedBy]
    is_platform: bool
    is_confirmed: bool

    @property
    def idle(self) -> list[NamedBy]:
        """The active channels that count for nothing, because the bot is not theirs."""
        return [one for one in self.named_by if one.status == ChannelStatus.ACTIVE and not self._holds(one)]

    def _holds(self, one: NamedBy) -> bool:
        return one.tenant_id == self.tenant_id or (self.is_platform and one.audience == Audience.MSP)


async def known_bots(owner: AsyncConnection) -> list[KnownBot]:
    """Every bot, in the order of their ids; needs a connection of the owner's role."""
    granted = select(Bot.__table__, Tenant.is_platform).join(Tenant, Tenant.id == Bot.tenant_id)
    owned = {row.id: row for row in await owner.execute(granted)}
    named = await _named(owner)
    found = []
    for bot_id in sorted({*owned, *named}):
        of, by = owned.get(bot_id), named.get(bot_id, [])
        if of is None:
            found.append(KnownBot(bot_id, None, None, by, is_platform=False, is_confirmed=False))
        else:
            known = {"is_platform": of.is_platform, "is_confirmed": of.is_confirmed}
            found.append(KnownBot(bot_id, of.tenant_id, of.granted_at, by, **known))
    return found


async def foreign_installs(owner: AsyncConnection) -> int:
    """How many installs are for a Microsoft tenant that is another tenant's own: nothing is routed by them."""
    found = await owner.scalar(
        select(func.count())
        .select_from(ChannelInstall)
        .join(Tenant, Tenant.entra_tenant_id == ChannelInstall.end_client_tenant_id)
        .where(Tenant.id != ChannelInstall.tenant_id)
    )
    return found or 0


async def _named(owner: AsyncConnection) -> dict[UUID, list[NamedBy]]:
    """The channels that name each bot."""
    channels = (
        select(Channel.bot_id, Channel.id, Channel.tenant_id, Channel.audience, Channel.status)
        .where(Channel.bot_id.is_not(None), Channel.deleted_at.is_(None))
        .order_by(Channel.created_at)
    )
    named: dict[UUID, list[NamedBy]] = {}
    for row in await owner.execute(channels):
        named.setdefault(row.bot_id, []).append(NamedBy(row.id, row.tenant_id, row.audience, row.status))
    return named
