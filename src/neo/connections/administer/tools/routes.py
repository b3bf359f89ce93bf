from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from neo.api import JsonBody, changes_of, json_body, operation, success
from neo.connections.administer.routes import TAG, ConnectionId, ToolManager, Viewer
from neo.connections.administer.tools.desk import ToolDesk
from neo.connections.administer.tools.schemas import PinTools, ToolResource, UpdateTool
from neo.connections.administer.tools.shown import shown_tool
from neo.errors import Failure

router = APIRouter(prefix="/public-api/connections/{connection_id}")


async def desk_of(request: Request) -> ToolDesk:
    desk: ToolDesk = request.app.state.tool_desk
    return desk


Desk = Annotated[ToolDesk, Depends(desk_of)]


@router.get(
    "/tools",
    **operation(
        "public_api.connection_tools_get",
        "List a connection's tools",
        tag=TAG,
        data=ToolResource,
        is_list=True,
    ),
)
async def list_tools(request: Request, caller: Viewer, desk: Desk, connection_id: ConnectionId) -> Response:
    """What the newest check has found, beside what you have pinned: `difference` says what has changed since. At most
    300 tools of a server are kept.
    """
    return success(request, [shown_tool(tool) for tool in await desk.all(caller, connection_id)])


@router.post(
    "/pin",
    **operation(
        "public_api.connection_pin_post",
        "Pin a connection's tools",
        tag=TAG,
        body=PinTools,
        data=ToolResource,
        is_list=True,
    ),
)
async def pin_tools(
    request: Request,
    caller: ToolManager,
    desk: Desk,
    connection_id: ConnectionId,
    body: Annotated[JsonBody[PinTools], Depends(json_body(PinTools))],
) -> Response:
    """Say yes to tools as the server describes them now; only then are they offered. Send the `digests` that you have
    read, and nothing that has changed since is pinned: `409 tool_changed`. A tool that is GONE is forgotten. A tool's
    settings stay. One that has a `problem` is `409 tool_unusable`; `*` leaves it out.
    """
    try:
        wanted, warnings = body.parse()
    except Failure:
        await desk.all(caller, connection_id)
        raise
    pinned = await desk.pin(caller, connection_id, wanted.tools, wanted.digests)
    return success(request, [shown_tool(tool) for tool in pinned], warnings=warnings)


@router.patch(
    "/tools/{name:path}",
    **operation(
        "public_api.connection_tool_update_patch",
        "Update a tool",
        tag=TAG,
        body=UpdateTool,
        data=ToolResource,
    ),
)
async def update_tool(
    request: Request,
    caller: ToolManager,
    desk: Desk,
    connection_id: ConnectionId,
    name: str,
    body: Annotated[JsonBody[UpdateTool], Depends(json_body(UpdateTool))],
) -> Response:
    """Say what a tool does and who has to approve its calls. What the server says of itself counts for nothing: unset,
    a tool is a WRITE whose calls are approved. Settings that do not fit together are `422 tool_settings_invalid`.
    """
    try:
        wanted, warnings = body.parse()
    except Failure:
        await desk.get(caller, connection_id, name)
        raise
    changes = changes_of(wanted, apart=frozenset())
    if "when" in changes:
        changes["gate_when"] = changes.pop("when")
    changed = await desk.change(caller, connection_id, name, changes)
    return success(request, shown_tool(changed), warnings=warnings)
