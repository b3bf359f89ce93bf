"""Grants bots to tenants and takes them away, with an entry in the tenant's audit log for each."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from neo.access import CallerNotAllowed, Operator, Principal, Right, hold_right
from neo.audit import AuditStore
from neo.channels.errors import BotNotFound, BotTaken, TenantNotFound
from neo.channels.models import Bot
from neo.db import Database, call_within


class BotDesk:
    """The operator's database is the owner's. A platform's key is looked at again where something is changed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def grant(self, caller: Principal | Operator, tenant_id: UUID, bot_id: UUID) -> Bot:
        """Give the bot to the tenant, or confirm that it is the tenant's; a second call changes nothing."""
        functions = ("neo_operator_grant_bot", "neo_grant_bot")
        async with self._database.transaction(tenant_id) as db:
            became = await _ask(db, caller, functions, bot_id, tenant_id)
            if became == "NO_TENANT":
                raise TenantNotFound("No such tenant.")
            if became == "TAKEN":
                raise BotTaken("The bot is another tenant's: revoke it there first.")
            if became == "GRANTED":
                await AuditStore(db, tenant_id).add(caller.actor, "bot.granted", "bot", bot_id)
            return (await db.scalars(select(Bot).where(Bot.tenant_id == tenant_id, Bot.id == bot_id))).one()

    async def revoke(self, caller: Principal | Operator, tenant_id: UUID, bot_id: UUID) -> None:
        """Take the bot away: its channels count no more, and the white-label ones are disconnected."""
        functions = ("neo_operator_revoke_bot", "neo_revoke_bot")
        async with self._database.transaction(tenant_id) as db:
            became = await _ask(db, caller, functions, bot_id, tenant_id)
            if became == "NOT_FOUND":
                raise no_such_bot()
            await AuditStore(db, tenant_id).add(caller.actor, "bot.revoked", "bot", bot_id)


def no_such_bot() -> BotNotFound:
    return BotNotFound("The tenant has no such bot.")


async def _ask(
    db: AsyncSession,
    caller: Principal | Operator,
    functions: tuple[str, str],
    bot_id: UUID,
    tenant_id: UUID,
) -> str:
    """What became of it, by the operator's function or by the platform's."""
    by_operator, by_platform = functions
    if isinstance(caller, Operator):
        [(became,)] = await call_within(db, by_operator, bot_id, tenant_id)
        return str(became)
    await hold_right(db, caller, Right.RELAY)
    [(became,)] = await call_within(db, by_platform, bot_id, tenant_id, caller.credential.digest)
    if became == "REFUSED":
        raise CallerNotAllowed("Only a live key of the platform grants and revokes bots.")
    return str(became)
