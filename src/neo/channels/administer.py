"""What a tenant does with its channels; each change is recorded with it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession

from neo.access import NO_ROW_BOUNDS, Principal, Right, RowBounds, changing, check_room
from neo.agents import AgentNotConversational, AgentStore, Audience, AutonomyType
from neo.audit import AuditStore
from neo.channels.bots.allowed import check_bot
from neo.channels.errors import (
    ChannelAudienceMismatch,
    ChannelFieldImmutable,
    ChannelUpdateConflict,
    TransportNotSupported,
)
from neo.channels.installs.store import InstallStore
from neo.channels.models import Channel, ChannelStatus, Transport
from neo.channels.store import ChannelStore
from neo.db import Database

# Sessions and installs depend on these: for another audience or transport, create another channel.
IMMUTABLE = ("audience", "transport")


class ChannelDesk:
    def __init__(self, database: Database, bounds: RowBounds = NO_ROW_BOUNDS) -> None:
        self._database = database
        self._bounds = bounds

    async def page(
        self, caller: Principal, rows_max: int, before: tuple[datetime, UUID] | None
    ) -> Sequence[Channel]:
        async with self._database.transaction(caller.tenant_id) as db:
            return await ChannelStore(db, caller.tenant_id).newest(rows_max, before=before)

    async def get(self, caller: Principal, channel_id: UUID) -> Channel:
        async with self._database.transaction(caller.tenant_id) as db:
            return await ChannelStore(db, caller.tenant_id).get(channel_id)

    async def create(self, caller: Principal, values: dict[str, Any]) -> Channel:
        if values["transport"] != Transport.TEAMS:
            raise TransportNotSupported(
                "Only TEAMS can be used yet.", details={"fields": {"transport": "is not supported yet"}}
            )
        async with changing(self._database, caller, Right.MANAGE_TENANT) as db:
            await _check_agent(db, caller.tenant_id, values["agent_id"], values["audience"])
            await check_bot(db, values["bot_id"], values["audience"])
            channels = ChannelStore(db, caller.tenant_id)
            await check_room(db, caller, channels.live(), self._bounds.channels, "channels")
            channel = await channels.create({"id": uuid4(), **values})
            details = {"agent_id": channel.agent_id, "audience": channel.audience}
            await _record(db, caller, "channel.created", channel, details)
            return channel

    async def update(
        self, caller: Principal, channel_id: UUID, wanted: dict[str, Any], version: int | None
    ) -> Channel:
        async with changing(self._database, caller, Right.MANAGE_TENANT) as db:
            channels = ChannelStore(db, caller.tenant_id)
            channel = await channels.lock(channel_id)
            changes = _changes(channel, wanted, version)
            if not changes:
                return channel
            if "agent_id" in changes:
                await _check_agent(db, caller.tenant_id, changes["agent_id"], channel.audience)
            await _check_its_bot(db, channel, changes)
            await _record(db, caller, "channel.updated", channel, {"fields": sorted(changes)})
            return await channels.change(channel, **changes)

    async def delete(self, caller: Principal, channel_id: UUID) -> None:
        """Delete the channel and its installs. Its sessions still refer to it; its bot may have another one."""
        async with changing(self._database, caller, Right.MANAGE_TENANT) as db:
            channels = ChannelStore(db, caller.tenant_id)
            channel = await channels.lock(channel_id)
            await InstallStore(db, channel).remove_all()
            await channels.change(channel, deleted_at=func.now())
            await _record(db, caller, "channel.deleted", channel, {})


def _changes(channel: Channel, wanted: dict[str, Any], version: int | None) -> dict[str, Any]:
    if version not in (None, channel.version):
        raise ChannelUpdateConflict("The channel was changed meanwhile: read it again, then update it.")
    changes = {name: value for name, value in wanted.items() if getattr(channel, name) != value}
    frozen = [name for name in IMMUTABLE if name in changes]
    if frozen:
        raise ChannelFieldImmutable(
            "A channel's audience and transport are for life: create another channel.",
            details={"fields": dict.fromkeys(frozen, "cannot be changed")},
        )
    return changes


async def _check_agent(db: AsyncSession, tenant_id: UUID, agent_id: int, audience: str) -> None:
    agent = await AgentStore(db, tenant_id).lock_shared(agent_id)
    if agent.autonomy_type != AutonomyType.CONVERSATIONAL:
        raise AgentNotConversational(
            "A channel needs a CONVERSATIONAL agent.",
            details={"fields": {"agent_id": "names an agent that is not CONVERSATIONAL"}},
        )
    if agent.audience != audience:
        raise ChannelAudienceMismatch(
            f"An agent for {agent.audience} cannot serve a channel for {audience}.",
            details={"fields": {"agent_id": f"names an agent for {agent.audience}"}},
        )


async def _check_its_bot(db: AsyncSession, channel: Channel, changes: dict[str, Any]) -> None:
    """A bot that is not the tenant's is neither named nor, after it was taken away, connected again."""
    if "bot_id" in changes or changes.get("status") == ChannelStatus.ACTIVE:
        await check_bot(db, changes.get("bot_id", channel.bot_id), Audience(channel.audience))


async def _record(
    db: AsyncSession, caller: Principal, action: str, channel: Channel, details: dict[str, Any]
) -> None:
    await AuditStore(db, caller.tenant_id).add(caller.actor, action, "channel", channel.id, details=details)
