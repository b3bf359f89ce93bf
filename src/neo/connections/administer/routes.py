from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel
from starlette.responses import Response

from neo.access import Principal, Right, caller_with
from neo.api import JsonBody, Page, changes_of, json_body, operation, requested_page, success
from neo.connections.administer import paging
from neo.connections.administer.desk import ConnectionDesk, GivenSecret
from neo.connections.administer.schemas import (
    ConnectionResource,
    ConnectionSecret,
    CreateConnection,
    DeletedConnection,
    UpdateConnection,
)
from neo.connections.administer.shown import shown_connection
from neo.connections.rows.errors import ConnectionNotFound
from neo.errors import Failure
from neo.kit import find_guid

TAG = "Connections"
# A body's fields by the columns that have another name.
COLUMNS = {"untrusted": "is_untrusted", "disabled": "is_disabled", "company_in": "company_places"}

# They are no columns of a connection.
APART = {"secret", "openapi", "operations"}

router = APIRouter(prefix="/public-api/connections")


async def desk_of(request: Request) -> ConnectionDesk:
    desk: ConnectionDesk = request.app.state.connection_desk
    return desk


async def known_connection_id(connection_id: str) -> UUID:
    found = find_guid(connection_id)
    if found is None:
        raise ConnectionNotFound("No such connection.")
    return found


Desk = Annotated[ConnectionDesk, Depends(desk_of)]
Viewer = Annotated[Principal, Depends(caller_with(Right.VIEW_TENANT))]
ToolManager = Annotated[Principal, Depends(caller_with(Right.MANAGE_TOOLS))]
ConnectionId = Annotated[UUID, Depends(known_connection_id)]
Paged = Annotated[Page, Depends(requested_page)]


@router.post(
    "",
    **operation(
        "public_api.connection_create_post",
        "Create a connection",
        tag=TAG,
        body=CreateConnection,
        data=ConnectionResource,
        status=201,
    ),
)
async def create_connection(
    request: Request,
    caller: ToolManager,
    desk: Desk,
    body: Annotated[JsonBody[CreateConnection], Depends(json_body(CreateConnection))],
) -> Response:
    """Name a server that your agents may call. It is checked at once, for 15 s at most: `status` says what was found,
    and `GET .../tools` what it lists. None of its tools is offered before you pin it.

    An address that is private, not https, or no name is `422 egress_refused`, a name that is taken
    `409 connection_name_taken`. A tenant has at most 100 connections: `409 quota_exceeded`.
    """
    wanted, warnings = body.parse()
    fields = type(wanted).model_fields.keys() - APART
    values = _columns({name: getattr(wanted, name) for name in fields})
    secret = _given(wanted.secret) if wanted.secret is not None else None
    created = await desk.create(caller, values, secret, (wanted.openapi, wanted.operations))
    return success(request, shown_connection(*created), status=201, warnings=warnings)


@router.get(
    "",
    **operation(
        "public_api.connection_list_get", "List connections", tag=TAG, data=ConnectionResource, is_list=True
    ),
)
async def list_connections(request: Request, caller: Viewer, desk: Desk, page: Paged) -> Response:
    """The tenant's connections by name. Page with `cursor`."""
    found = await desk.page(caller, page.size + 1, after=paging.connections_after(caller, page))
    return success(
        request,
        [shown_connection(*one) for one in found[: page.size]],
        is_page=True,
        next_cursor=paging.next_connections(caller, page, [connection for connection, _ in found]),
    )


@router.get(
    "/{connection_id}",
    **operation("public_api.connection_get", "Get a connection", tag=TAG, data=ConnectionResource),
)
async def get_connection(
    request: Request, caller: Viewer, desk: Desk, connection_id: ConnectionId
) -> Response:
    """One connection, with what the newest check has found."""
    return success(request, shown_connection(*await desk.get(caller, connection_id)))


@router.patch(
    "/{connection_id}",
    **operation(
        "public_api.connection_update_patch",
        "Update a connection",
        tag=TAG,
        body=UpdateConnection,
        data=ConnectionResource,
    ),
)
async def update_connection(
    request: Request,
    caller: ToolManager,
    desk: Desk,
    connection_id: ConnectionId,
    body: Annotated[JsonBody[UpdateConnection], Depends(json_body(UpdateConnection))],
) -> Response:
    """A partial update. With another scheme, host or port in `url`, the secret and all tools with their pins and
    settings are dropped; with another type of `auth`, or another place of its `token_url`, the secret is. A change of
    these is checked at once. Another `kind` or `audience` is `422 connection_field_immutable`; with a `version` that is
    not the current one nothing changes: `409 connection_update_conflict`.
    """
    wanted, warnings = await _parsed(body, caller, desk, connection_id)
    changes = changes_of(wanted)
    told = changes.pop("openapi", None), changes.pop("operations", None)
    changed = await desk.update(caller, connection_id, _columns(changes), told, wanted.version)
    return success(request, shown_connection(*changed), warnings=warnings)


@router.delete(
    "/{connection_id}",
    **operation("public_api.connection_delete", "Delete a connection", tag=TAG, data=DeletedConnection),
)
async def delete_connection(
    request: Request, caller: ToolManager, desk: Desk, connection_id: ConnectionId
) -> Response:
    """Delete a connection for good, with its secret and its tools. Agents that name it are offered nothing of it."""
    await desk.delete(caller, connection_id)
    return success(request, DeletedConnection(id=str(connection_id), deleted=True))


@router.put(
    "/{connection_id}/secret",
    **operation(
        "public_api.connection_secret_put",
        "Set a connection's secret",
        tag=TAG,
        body=ConnectionSecret,
        data=ConnectionResource,
    ),
)
async def set_secret(
    request: Request,
    caller: ToolManager,
    desk: Desk,
    connection_id: ConnectionId,
    body: Annotated[JsonBody[ConnectionSecret], Depends(json_body(ConnectionSecret))],
) -> Response:
    """Set what the connection signs in with, in place of what it had, and check it at once. Nobody can read it any
    more. With `auth` NONE: `409 connection_takes_no_secret`.
    """
    wanted, warnings = await _parsed(body, caller, desk, connection_id)
    changed = await desk.set_secret(caller, connection_id, _given(wanted))
    return success(request, shown_connection(*changed), warnings=warnings)


@router.post(
    "/{connection_id}/check",
    **operation("public_api.connection_check_post", "Check a connection", tag=TAG, data=ConnectionResource),
)
async def check_connection(
    request: Request, caller: ToolManager, desk: Desk, connection_id: ConnectionId
) -> Response:
    """Ask the server now which tools it has, for 15 s at most; Neo does so by itself every 5 minutes. More than 8
    checks of a tenant at once are `429 too_many_checks`.
    """
    return success(request, shown_connection(*await desk.check(caller, connection_id)))


async def _parsed(body: JsonBody[Any], caller: Principal, desk: ConnectionDesk, connection_id: UUID) -> Any:
    try:
        return body.parse()
    except Failure:
        # A caller who may not see the connection gets 404, whatever the body is.
        await desk.get(caller, connection_id)
        raise


def _given(secret: ConnectionSecret) -> GivenSecret:
    return GivenSecret(secret.value, secret.expires_at)


def _columns(fields: dict[str, Any]) -> dict[str, Any]:
    return {COLUMNS.get(name, name): _plain(value) for name, value in fields.items()}


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json", exclude_none=True) if isinstance(value, BaseModel) else value
