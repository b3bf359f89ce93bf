from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from neo.access import Principal, Right, caller_with
from neo.api import operation, success
from neo.channels.bots.desk import BotDesk, no_such_bot
from neo.channels.bots.schemas import PublicBot, RevokedBot
from neo.channels.errors import RoutingFieldInvalid, TenantNotFound
from neo.kit import find_guid

bot_router = APIRouter(prefix="/public-api/tenants/{client_id}/bots")


async def desk_of(request: Request) -> BotDesk:
    return BotDesk(request.app.state.database)


Desk = Annotated[BotDesk, Depends(desk_of)]
Platform = Annotated[Principal, Depends(caller_with(Right.RELAY))]
ClientId = Annotated[str, Path(description="The tenant's id.")]
BotId = Annotated[str, Path(description="App id of the Teams bot, a GUID.")]


@bot_router.put(
    "/{bot_id}", **operation("public_api.bot_put", "Grant a bot to a tenant", tag="Channels", data=PublicBot)
)
async def put_bot(
    request: Request, caller: Platform, desk: Desk, client_id: ClientId, bot_id: BotId
) -> Response:
    """Only for keys of the platform. From now on the tenant's channels may name this bot, and what comes by it is the
    tenant's. Without a body; doing it twice answers 200 again. A bot of the platform's own tenant is shared: every
    tenant may have an MSP channel of it. A bot belongs to one tenant: another's is `409 bot_taken`.
    """
    tenant, bot = find_guid(client_id), find_guid(bot_id)
    if bot is None:
        raise RoutingFieldInvalid("`bot_id` is not a GUID.", details={"fields": {"bot_id": "is not a GUID"}})
    if tenant is None:
        raise TenantNotFound("No such tenant.")
    granted = await desk.grant(caller, tenant, bot)
    shown = PublicBot(bot_id=str(granted.id), client_id=str(granted.tenant_id), granted_at=granted.granted_at)
    return success(request, shown)


@bot_router.delete(
    "/{bot_id}",
    **operation("public_api.bot_delete", "Take a bot from a tenant", tag="Channels", data=RevokedBot),
)
async def delete_bot(
    request: Request, caller: Platform, desk: Desk, client_id: ClientId, bot_id: BotId
) -> Response:
    """Only for keys of the platform. Nothing is routed by the bot's channels any more; its white-label ones are
    DISCONNECTED, so that their sessions take no more messages. A bot that is not this tenant's is
    `404 bot_not_found`.
    """
    tenant, bot = find_guid(client_id), find_guid(bot_id)
    if tenant is None or bot is None:
        raise no_such_bot()
    await desk.revoke(caller, tenant, bot)
    return success(request, RevokedBot(bot_id=str(bot), client_id=str(tenant)))
