from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from neo.access import Principal, Right, caller_with
from neo.api import (
    JsonBody,
    Page,
    json_body,
    moment_before,
    next_cursor,
    operation,
    requested_page,
    success,
)
from neo.kit import find_guid
from neo.stops.desk import StopDesk
from neo.stops.errors import ToolStopNotFound
from neo.stops.schemas import LiftedToolStop, PutToolStop, SetToolStop, ToolStopResource
from neo.stops.shown import shown_set, shown_stop
from neo.stops.target import Target

TAG = "Tool stops"

router = APIRouter(prefix="/public-api/tool-stops")


async def desk_of(request: Request) -> StopDesk:
    return StopDesk(request.app.state.database)


async def known_stop_id(stop_id: str) -> UUID:
    found = find_guid(stop_id)
    if found is None:
        raise ToolStopNotFound("No such stop.")
    return found


Desk = Annotated[StopDesk, Depends(desk_of)]
Viewer = Annotated[Principal, Depends(caller_with(Right.VIEW_TENANT))]
ToolManager = Annotated[Principal, Depends(caller_with(Right.MANAGE_TOOLS))]


@router.put(
    "",
    **operation("public_api.tool_stop_put", "Set a tool stop", tag=TAG, body=PutToolStop, data=SetToolStop),
)
async def set_stop(
    request: Request,
    caller: ToolManager,
    desk: Desk,
    body: Annotated[JsonBody[PutToolStop], Depends(json_body(PutToolStop))],
) -> Response:
    """Stop calls of your agents at once, in turns that run too: once this has answered none of them leaves. The model
    is told `tool_stopped`, and its turn goes on. The same scope, `id` and `tool` are the same stop. What your tenant
    does not have is `404 tool_stop_target_not_found`.
    """
    wanted, warnings = body.parse()
    target = Target(wanted.scope, wanted.id or "", wanted.tool or "")
    done = await desk.put(caller, target, writes_only=wanted.writes_only)
    return success(request, shown_set(done), warnings=warnings)


@router.get(
    "",
    **operation(
        "public_api.tool_stop_list_get", "List tool stops", tag=TAG, data=ToolStopResource, is_list=True
    ),
)
async def list_stops(
    request: Request, caller: Viewer, desk: Desk, page: Annotated[Page, Depends(requested_page)]
) -> Response:
    """The tenant's stops, newest first. Page with `cursor`."""
    # The tenant is in the cursor, so that one tenant's cursor is refused to another.
    kind = f"tool-stops:{caller.tenant_id}"
    found = await desk.newest(caller, page.size + 1, before=moment_before(kind, page))
    return success(
        request,
        [shown_stop(stop) for stop in found[: page.size]],
        is_page=True,
        next_cursor=next_cursor(kind, page, found, lambda stop: (stop.created_at.isoformat(), stop.id)),
    )


@router.delete(
    "/{stop_id}",
    **operation("public_api.tool_stop_delete", "Lift a tool stop", tag=TAG, data=LiftedToolStop),
)
async def lift_stop(
    request: Request, caller: ToolManager, desk: Desk, stop_id: Annotated[UUID, Depends(known_stop_id)]
) -> Response:
    """Let these calls be made again. Those that were refused meanwhile are not made up for."""
    await desk.lift(caller, stop_id)
    return success(request, LiftedToolStop(id=str(stop_id), deleted=True))
