from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, insert, select, tuple_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from neo.agents import Audience
from neo.channels.errors import BotAlreadyRegistered, ChannelNotFound
from neo.channels.models import Channel, ChannelInstall, ChannelStatus

UNIQUE_VIOLATION = "23505"


class ChannelStore:
    def __init__(self, db: AsyncSession, tenant_id: UUID) -> None:
        self._db = db
        self._tenant_id = tenant_id

    async def find_white_label(self, bot_id: UUID, end_client_tenant_id: UUID) -> Channel | None:
        """The active END_USER channel of this bot that is installed there, its row share-locked until the commit."""
        installed = select(ChannelInstall.channel_id).where(
            ChannelInstall.tenant_id == self._tenant_id,
            ChannelInstall.end_client_tenant_id == end_client_tenant_id,
        )
        wanted = self._active(bot_id, Audience.END_USER).where(Channel.id.in_(installed))
        return await self._db.scalar(wanted.with_for_update(read=True))

    async def find_msp(self, bot_id: UUID) -> Channel | None:
        return await self._db.scalar(self._active(bot_id, Audience.MSP).with_for_update(read=True))

    async def find_by_bot(self, bot_id: UUID, audience: Audience) -> Channel | None:
        """The bot's channel, whether it is active or not."""
        return await self._db.scalar(
            self._owned().where(Channel.bot_id == bot_id, Channel.audience == audience)
        )

    async def get(self, channel_id: UUID) -> Channel:
        return _found(await self._db.scalar(self._owned().where(Channel.id == channel_id)))

    async def lock(self, channel_id: UUID) -> Channel:
        """The channel with its row locked until the commit; lock it before changing it or its installs."""
        return _found(await self._db.scalar(self._owned().where(Channel.id == channel_id).with_for_update()))

    async def newest(self, rows_max: int, *, before: tuple[datetime, UUID] | None) -> Sequence[Channel]:
        wanted = self._owned().order_by(Channel.created_at.desc(), Channel.id.desc()).limit(rows_max)
        if before is not None:
            wanted = wanted.where(tuple_(Channel.created_at, Channel.id) < before)
        return (await self._db.scalars(wanted)).all()

    async def create(self, values: dict[str, Any]) -> Channel:
        added = insert(Channel).values(tenant_id=self._tenant_id, **values).returning(Channel)
        async with _own_bot():
            return (await self._db.scalars(added)).one()

    async def change(self, channel: Channel, **changes: Any) -> Channel:
        changed = (
            update(Channel)
            .where(Channel.tenant_id == self._tenant_id, Channel.id == channel.id)
            .values(**changes, version=Channel.version + 1, updated_at=func.now())
            .returning(Channel)
            .execution_options(populate_existing=True)
        )
        async with _own_bot():
            return (await self._db.scalars(changed)).one()

    def live(self) -> Select[Channel]:
        """Those that were not deleted."""
        return self._owned()

    def _active(self, bot_id: UUID, audience: Audience) -> Select[Channel]:
        return self._owned().where(
            Channel.bot_id == bot_id, Channel.audience == audience, Channel.status == ChannelStatus.ACTIVE
        )

    def _owned(self) -> Select[Channel]:
        return select(Channel).where(Channel.tenant_id == self._tenant_id, Channel.deleted_at.is_(None))


def _found(channel: Channel | None) -> Channel:
    if channel is None:
        raise ChannelNotFound("No such channel.")
    return channel


@asynccontextmanager
async def _own_bot() -> AsyncIterator[None]:
    """The tenant has a channel of this bot already."""
    try:
        yield
    except IntegrityError as error:
        if getattr(error.orig, "sqlstate", None) != UNIQUE_VIOLATION:
            raise
        raise BotAlreadyRegistered(
            "Your tenant has such a channel of this bot already: use that one, or delete it.",
            details={"fields": {"bot_id": "has such a channel already"}},
        ) from error
