from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from neo.access import Principal, Right, Role, caller_with
from neo.api import (
    JsonBody,
    Page,
    changes_of,
    json_body,
    moment_before,
    next_cursor,
    operation,
    requested_page,
    success,
)
from neo.errors import Failure
from neo.kit import find_guid
from neo.people.errors import TechnicianNotFound
from neo.people.models import Technician
from neo.people.roster import Roster
from neo.people.schemas import (
    AddTechnicianRequest,
    RemovedTechnician,
    TechnicianResource,
    UpdateTechnicianRequest,
)

router = APIRouter(prefix="/public-api/technicians")
TAG = "Technicians"


async def roster_of(request: Request) -> Roster:
    return Roster(request.app.state.database, request.app.state.row_bounds)


async def known_user_id(user_id: str) -> UUID:
    found = find_guid(user_id)
    if found is None:
        raise TechnicianNotFound("No such technician in your tenant.")
    return found


Viewer = Annotated[Principal, Depends(caller_with(Right.VIEW_TENANT))]
Manager = Annotated[Principal, Depends(caller_with(Right.MANAGE_TENANT))]
Governor = Annotated[Principal, Depends(caller_with(Right.GOVERN))]
Desk = Annotated[Roster, Depends(roster_of)]
UserId = Annotated[UUID, Depends(known_user_id)]
Paged = Annotated[Page, Depends(requested_page)]


@router.get(
    "",
    **operation(
        "public_api.technician_list_get", "List technicians", tag=TAG, data=TechnicianResource, is_list=True
    ),
)
async def list_technicians(request: Request, caller: Viewer, desk: Desk, page: Paged) -> Response:
    """The roster, newest first. Whoever signs in for the first time is added with the role that your organisation
    gave them in Entra ID; from then on the roster alone decides. Without one they are refused, `403
    role_not_assigned`, unless the operator has set a default role, which guests never get.
    """
    kind = f"technicians:{caller.tenant_id}"
    found = await desk.newest(caller.tenant_id, page.size + 1, before=moment_before(kind, page))
    return success(
        request,
        [_shown(one) for one in found[: page.size]],
        is_page=True,
        next_cursor=next_cursor(kind, page, found, lambda one: (one.created_at.isoformat(), one.user_id)),
    )


@router.get(
    "/{user_id}",
    **operation("public_api.technician_get", "Get a technician", tag=TAG, data=TechnicianResource),
)
async def get_technician(request: Request, caller: Viewer, desk: Desk, user_id: UserId) -> Response:
    """One of your organisation's own people."""
    return success(request, _shown(await desk.get(caller.tenant_id, user_id)))


@router.post(
    "",
    **operation(
        "public_api.technician_add_post",
        "Add a technician",
        tag=TAG,
        body=AddTechnicianRequest,
        data=TechnicianResource,
    ),
)
async def add_technician(
    request: Request,
    caller: Manager,
    desk: Desk,
    body: Annotated[JsonBody[AddTechnicianRequest], Depends(json_body(AddTechnicianRequest))],
) -> Response:
    """Put somebody into the roster before their first sign-in. For API keys and Admins; the role Admin can be given
    by Admins only (403). Who is there already: `409 technician_exists`.
    """
    wanted, warnings = body.parse()
    values = wanted.model_dump(exclude={"user_id"})
    return success(request, _shown(await desk.add(caller, wanted.user_id, values)), warnings=warnings)


@router.patch(
    "/{user_id}",
    **operation(
        "public_api.technician_update_patch",
        "Update a technician",
        tag=TAG,
        body=UpdateTechnicianRequest,
        data=TechnicianResource,
    ),
)
async def update_technician(
    request: Request,
    caller: Manager,
    desk: Desk,
    user_id: UserId,
    body: Annotated[JsonBody[UpdateTechnicianRequest], Depends(json_body(UpdateTechnicianRequest))],
) -> Response:
    """A partial update: what is left out stays, null clears `name` or `email`. `is_active` false locks somebody out
    at once, open tails within seconds. A new role counts from the next request on. Session tokens that they minted end
    for good when they are locked out or may mint no more.

    For API keys and Admins; any `role`, and `is_active` of an Admin, can be changed by Admins only (403). The last
    active Admin stays one: `409 last_admin`.
    """
    try:
        wanted, warnings = body.parse()
    except Failure:
        # Somebody who is not in the caller's roster is not found, whatever the body is.
        await desk.get(caller.tenant_id, user_id)
        raise
    return success(request, _shown(await desk.change(caller, user_id, changes_of(wanted))), warnings=warnings)


@router.delete(
    "/{user_id}",
    **operation(
        "public_api.technician_remove_delete", "Remove a technician", tag=TAG, data=RemovedTechnician
    ),
)
async def remove_technician(request: Request, caller: Governor, desk: Desk, user_id: UserId) -> Response:
    """Take somebody off the roster, who has left. It does not lock them out: should they sign in again with an app
    role of Entra ID, they are added anew with it. To lock somebody out, set `is_active` to false.

    Admins only, because the next sign-in gives a role. The last active Admin stays: `409 last_admin`.
    """
    await desk.remove(caller, user_id)
    return success(request, RemovedTechnician(user_id=str(user_id)))


def _shown(technician: Technician) -> TechnicianResource:
    return TechnicianResource(
        user_id=str(technician.user_id),
        name=technician.name,
        email=technician.email,
        role=Role(technician.role),
        is_active=technician.is_active,
        created_at=technician.created_at,
        updated_at=technician.updated_at,
    )
