from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from neo.access import Principal, Right, caller_with
from neo.api import JsonBody, Page, changes_of, json_body, operation, requested_page, success
from neo.channels import paging
from neo.channels.administer import ChannelDesk
from neo.channels.errors import ChannelNotFound
from neo.channels.schemas import (
    CreateChannelRequest,
    DeletedChannel,
    PublicChannel,
    UpdateChannelRequest,
)
from neo.channels.shown import shown_channel
from neo.errors import Failure
from neo.kit import find_guid

TAG = "Channels"

router = APIRouter(prefix="/public-api/channels")


async def desk_of(request: Request) -> ChannelDesk:
    return ChannelDesk(request.app.state.database, request.app.state.row_bounds)


async def known_channel_id(channel_id: str) -> UUID:
    found = find_guid(channel_id)
    if found is None:
        raise ChannelNotFound("No such channel.")
    return found


Desk = Annotated[ChannelDesk, Depends(desk_of)]
Viewer = Annotated[Principal, Depends(caller_with(Right.VIEW_TENANT))]
Administrator = Annotated[Principal, Depends(caller_with(Right.MANAGE_TENANT))]
ChannelId = Annotated[UUID, Depends(known_channel_id)]
Paged = Annotated[Page, Depends(requested_page)]


@router.post(
    "",
    **operation(
        "public_api.channel_create_post",
        "Create a channel",
        tag=TAG,
        body=CreateChannelRequest,
        data=PublicChannel,
    ),
)
async def create_channel(
    request: Request,
    caller: Administrator,
    desk: Desk,
    body: Annotated[JsonBody[CreateChannelRequest], Depends(json_body(CreateChannelRequest))],
) -> Response:
    """Bind a CONVERSATIONAL agent to a transport, with its branding. Agent and channel have the same audience:
    `422 channel_audience_mismatch`. A bot that was not granted to your tenant is `409 bot_not_granted`; an MSP channel
    may have the platform's shared bot. One that has such a channel already is `409 bot_already_registered`.

    An MSP channel serves your own technicians. An END_USER channel is white-label: it serves the employees of the
    customers in whose Microsoft tenants it is installed. A tenant has at most 500 channels.
    """
    wanted, warnings = body.parse()
    created = await desk.create(caller, dict(wanted))
    return success(request, shown_channel(created), warnings=warnings)


@router.get(
    "",
    **operation("public_api.channel_list_get", "List channels", tag=TAG, data=PublicChannel, is_list=True),
)
async def list_channels(request: Request, caller: Viewer, desk: Desk, page: Paged) -> Response:
    """The tenant's channels, newest first. Page with `cursor`."""
    found = await desk.page(caller, page.size + 1, paging.channels_before(caller, page))
    return success(
        request,
        [shown_channel(channel) for channel in found[: page.size]],
        is_page=True,
        next_cursor=paging.next_channels(caller, page, found),
    )


@router.get(
    "/{channel_id}",
    **operation("public_api.channel_get", "Get a channel", tag=TAG, data=PublicChannel),
)
async def get_channel(request: Request, caller: Viewer, desk: Desk, channel_id: ChannelId) -> Response:
    """One channel."""
    return success(request, shown_channel(await desk.get(caller, channel_id)))


@router.patch(
    "/{channel_id}",
    **operation(
        "public_api.channel_update_patch",
        "Update a channel",
        tag=TAG,
        body=UpdateChannelRequest,
        data=PublicChannel,
    ),
)
async def update_channel(
    request: Request,
    caller: Administrator,
    desk: Desk,
    channel_id: ChannelId,
    body: Annotated[JsonBody[UpdateChannelRequest], Depends(json_body(UpdateChannelRequest))],
) -> Response:
    """A partial update: only the fields that are sent change, null clears one that may be null. Another `audience`
    or `transport` is `422 channel_field_immutable`. With a `version` that is not the current one nothing changes:
    `409 channel_update_conflict`. To name a bot, or to connect a channel again, takes a bot that is your tenant's:
    `409 bot_not_granted`. Sessions that are open stay with the agent they have.
    """
    try:
        wanted, warnings = body.parse()
    except Failure:
        # A caller who may not see the channel gets 404, whatever the body is.
        await desk.get(caller, channel_id)
        raise
    changed = await desk.update(caller, channel_id, changes_of(wanted), wanted.version)
    return success(request, shown_channel(changed), warnings=warnings)


@router.delete(
    "/{channel_id}",
    **operation("public_api.channel_delete", "Delete a channel", tag=TAG, data=DeletedChannel),
)
async def delete_channel(
    request: Request, caller: Administrator, desk: Desk, channel_id: ChannelId
) -> Response:
    """Delete a channel for good, with its installs; its bot may have another one. Sessions that came by it stay
    readable and take no more messages: `409 channel_disconnected`.
    """
    await desk.delete(caller, channel_id)
    return success(request, DeletedChannel(id=str(channel_id)))
