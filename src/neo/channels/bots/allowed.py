"""Whether the transaction's tenant may use a bot, asked in the transaction that uses it."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from neo.agents import Audience
from neo.channels.errors import BotNotGranted
from neo.db import call_within


async def may_use_bot(
    db: AsyncSession, bot_id: UUID | None, audience: Audience, end_client_tenant_id: UUID | None = None
) -> bool:
    """Whether it may be used for these people, and in this Microsoft tenant. Until the commit nobody takes it away."""
    [row] = await call_within(db, "neo_may_use_bot", bot_id, audience, end_client_tenant_id)
    return bool(row[0])


async def check_bot(
    db: AsyncSession, bot_id: UUID | None, audience: Audience, end_client_tenant_id: UUID | None = None
) -> None:
    """Refuse a bot that is another tenant's, one that is nobody's, and another tenant's own Microsoft tenant, alike."""
    if not await may_use_bot(db, bot_id, audience, end_client_tenant_id):
        raise BotNotGranted(
            "Your tenant has not been given this bot for this use: ask whoever runs Neo to grant it."
        )
