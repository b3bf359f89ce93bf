from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from neo.channels.errors import InstallNotFound
from neo.channels.models import Channel, ChannelInstall


class InstallStore:
    """Where a channel's bot is installed. Lock the channel (`ChannelStore.lock`) before a change."""

    def __init__(self, db: AsyncSession, channel: Channel) -> None:
        self._db = db
        self._channel = channel

    async def find(self, end_client_tenant_id: UUID) -> ChannelInstall | None:
        wanted = self._owned().where(ChannelInstall.end_client_tenant_id == end_client_tenant_id)
        return await self._db.scalar(wanted)

    async def page(self, rows_max: int, *, after: UUID | None) -> Sequence[ChannelInstall]:
        wanted = self._owned().order_by(ChannelInstall.end_client_tenant_id).limit(rows_max)
        if after is not None:
            wanted = wanted.where(ChannelInstall.end_client_tenant_id > after)
        return (await self._db.scalars(wanted)).all()

    async def add(self, end_client_tenant_id: UUID) -> ChannelInstall:
        row = {
            "tenant_id": self._channel.tenant_id,
            "channel_id": self._channel.id,
            "end_client_tenant_id": end_client_tenant_id,
        }
        return (await self._db.scalars(insert(ChannelInstall).values(row).returning(ChannelInstall))).one()

    def all(self) -> Select[ChannelInstall]:
        return self._owned()

    async def remove(self, end_client_tenant_id: UUID) -> None:
        mine = delete(ChannelInstall).where(
            ChannelInstall.tenant_id == self._channel.tenant_id,
            ChannelInstall.channel_id == self._channel.id,
            ChannelInstall.end_client_tenant_id == end_client_tenant_id,
        )
        if await self._db.scalar(mine.returning(ChannelInstall.end_client_tenant_id)) is None:
            raise no_such_install()

    async def remove_all(self) -> None:
        await self._db.execute(
            delete(ChannelInstall).where(
                ChannelInstall.tenant_id == self._channel.tenant_id,
                ChannelInstall.channel_id == self._channel.id,
            )
        )

    def _owned(self) -> Select[ChannelInstall]:
        return select(ChannelInstall).where(
            ChannelInstall.tenant_id == self._channel.tenant_id,
            ChannelInstall.channel_id == self._channel.id,
        )


def no_such_install() -> InstallNotFound:
    return InstallNotFound("The channel is not installed there.")
