from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from neo.agents import Audience
from neo.channels.models import Channel, ChannelInstall, ChannelStatus


class ChannelStore:
    def __init__(self, db: AsyncSession, tenant_id: UUID) -> None:
        self._db = db
        self._tenant_id = tenant_id

    async def find_white_label(self, bot_id: UUID, end_client_tenant_id: UUID) -> Channel | None:
        """The active END_USER channel of this bot that is installed there, held as it is until the commit."""
        installed = select(ChannelInstall.channel_id).where(
            ChannelInstall.tenant_id == self._tenant_id,
            ChannelInstall.end_client_tenant_id == end_client_tenant_id,
        )
        wanted = self._active(bot_id, Audience.END_USER).where(Channel.id.in_(installed))
        return await self._db.scalar(wanted.with_for_update(read=True))

    async def find_msp(self, bot_id: UUID) -> Channel | None:
        return await self._db.scalar(self._active(bot_id, Audience.MSP).with_for_update(read=True))

    def _active(self, bot_id: UUID, audience: Audience) -> Select[Channel]:
        return self._owned().where(
            Channel.bot_id == bot_id, Channel.audience == audience, Channel.status == ChannelStatus.ACTIVE
        )

    def _owned(self) -> Select[Channel]:
        return select(Channel).where(Channel.tenant_id == self._tenant_id, Channel.deleted_at.is_(None))
