from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from neo.access import Principal, Right, caller_with
from neo.api import JsonBody, json_body, operation, success
from neo.channels import paging
from neo.channels.installs.desk import InstallDesk
from neo.channels.installs.greet import Greeter
from neo.channels.routes import TAG, Administrator, ChannelId, Paged, Viewer
from neo.channels.schemas import (
    DeletedChannelInstall,
    InstallBrandingResponse,
    InstallEventRequest,
    PublicChannelInstall,
)
from neo.channels.shown import shown_branding, shown_install
from neo.kit import find_guid

install_router = APIRouter(prefix="/public-api/channels")


async def desk_of(request: Request) -> InstallDesk:
    return InstallDesk(request.app.state.database, request.app.state.row_bounds)


Desk = Annotated[InstallDesk, Depends(desk_of)]
Relay = Annotated[Principal, Depends(caller_with(Right.RELAY))]
EndClientTenantId = Annotated[str, Path(description="The customer's Microsoft 365 tenant, a GUID.")]


@install_router.post(
    "/install-events",
    **operation(
        "public_api.channel_install_event_post",
        "Resolve install greeting branding",
        tag=TAG,
        body=InstallEventRequest,
        data=InstallBrandingResponse,
    ),
)
async def report_install(
    request: Request,
    caller: Relay,
    body: Annotated[JsonBody[InstallEventRequest], Depends(json_body(InstallEventRequest))],
) -> Response:
    """For platform service accounts: Teams has reported that a bot was installed; what does it greet with? Without
    an active white-label channel of this bot that is installed there, `matched` is false. Nothing is installed by
    this: that is for the channel's owner to do.
    """
    wanted, warnings = body.parse()
    channel = await Greeter(request.app.state.database).report(
        caller, wanted.bot_id, wanted.end_client_tenant_id
    )
    return success(request, shown_branding(channel), warnings=warnings)


@install_router.get(
    "/{channel_id}/installs",
    **operation(
        "public_api.channel_install_list_get",
        "List a channel's installs",
        tag=TAG,
        data=PublicChannelInstall,
        is_list=True,
    ),
)
async def list_installs(
    request: Request, caller: Viewer, desk: Desk, channel_id: ChannelId, page: Paged
) -> Response:
    """The customers' Microsoft tenants in which the channel's bot is installed, in the order of their ids. Page
    with `cursor`.
    """
    after = paging.installs_after(channel_id, page)
    found = await desk.page(caller, channel_id, page.size + 1, after)
    return success(
        request,
        [shown_install(install) for install in found[: page.size]],
        is_page=True,
        next_cursor=paging.next_installs(channel_id, page, found),
    )


@install_router.put(
    "/{channel_id}/installs/{end_client_tenant_id}",
    **operation("public_api.channel_install_put", "Add an install", tag=TAG, data=PublicChannelInstall),
)
async def put_install(
    request: Request,
    caller: Administrator,
    desk: Desk,
    channel_id: ChannelId,
    end_client_tenant_id: EndClientTenantId,
) -> Response:
    """From now on messages to the channel's bot from this customer's Microsoft tenant come to this channel. Without
    a body; doing it twice answers 200 again. END_USER channels only: `422 channel_not_white_label`. An id that is no
    GUID is `422 end_client_tenant_id_invalid`. Where the bot may not be used is `409 bot_not_granted`: it is no longer
    your tenant's, or this Microsoft tenant cannot be your customer. A channel has at most 10,000 installs.
    """
    put = await desk.put(caller, channel_id, find_guid(end_client_tenant_id))
    return success(request, shown_install(put))


@install_router.delete(
    "/{channel_id}/installs/{end_client_tenant_id}",
    **operation(
        "public_api.channel_install_delete", "Remove an install", tag=TAG, data=DeletedChannelInstall
    ),
)
async def delete_install(
    request: Request,
    caller: Administrator,
    desk: Desk,
    channel_id: ChannelId,
    end_client_tenant_id: EndClientTenantId,
) -> Response:
    """Messages from this customer's Microsoft tenant no longer come to this channel. Sessions that came by it stay."""
    await desk.remove(caller, channel_id, find_guid(end_client_tenant_id))
    shown = DeletedChannelInstall(
        channel_id=str(channel_id), end_client_tenant_id=end_client_tenant_id.lower()
    )
    return success(request, shown)
