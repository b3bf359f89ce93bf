from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from neo.access import Principal, Right, caller_with
from neo.agents.tenants.desk import TenantDesk
from neo.agents.tenants.schemas import (
    CreateTenantRequest,
    PublicSettings,
    TenantResource,
    UpdateSettingsRequest,
)
from neo.api import JsonBody, changes_of, json_body, operation, success
from neo.tenants import Tenant

router = APIRouter(prefix="/public-api")


async def tenant_desk_of(request: Request) -> TenantDesk:
    return TenantDesk(request.app.state.database)


Viewer = Annotated[Principal, Depends(caller_with(Right.VIEW_TENANT))]
Manager = Annotated[Principal, Depends(caller_with(Right.MANAGE_TENANT))]
Platform = Annotated[Principal, Depends(caller_with(Right.RELAY))]
Desk = Annotated[TenantDesk, Depends(tenant_desk_of)]


@router.get(
    "/tenant", **operation("public_api.tenant_get", "Get your tenant", tag="Tenant", data=TenantResource)
)
async def get_tenant(request: Request, caller: Viewer, desk: Desk) -> Response:
    """The tenant that the credential belongs to."""
    return success(request, _shown(await desk.get(caller)))


@router.post(
    "/tenants",
    **operation(
        "public_api.tenant_create_post",
        "Create a tenant",
        tag="Tenant",
        body=CreateTenantRequest,
        data=TenantResource,
    ),
)
async def create_tenant(
    request: Request,
    caller: Platform,
    desk: Desk,
    body: Annotated[JsonBody[CreateTenantRequest], Depends(json_body(CreateTenantRequest))],
) -> Response:
    """Onboard a managed-service provider, with its Neo Support agent. Only for keys of the platform. With
    `entra_tenant_id` its people may sign in at once; one that another tenant has is `409 entra_tenant_taken`.
    The first Admin is whom Entra ID gives that app role, or whom `neo technicians add` names.
    """
    wanted, warnings = body.parse()
    created = await desk.create(caller, wanted.name, entra_tenant_id=wanted.entra_tenant_id)
    return success(request, _shown(created), warnings=warnings)


@router.get(
    "/settings",
    **operation("public_api.settings_get", "Get tenant settings", tag="Settings", data=PublicSettings),
)
async def get_settings(request: Request, caller: Viewer, desk: Desk) -> Response:
    """Your tenant's settings."""
    return success(request, PublicSettings.model_validate(await desk.get(caller)))


@router.put(
    "/settings",
    **operation(
        "public_api.settings_update_put",
        "Update tenant settings",
        tag="Settings",
        body=UpdateSettingsRequest,
        data=PublicSettings,
    ),
)
async def update_settings(
    request: Request,
    caller: Manager,
    desk: Desk,
    body: Annotated[JsonBody[UpdateSettingsRequest], Depends(json_body(UpdateSettingsRequest))],
) -> Response:
    """A partial update: what is left out stays, null clears. A `timezone` that nobody knows is
    `422 timezone_unknown`. For API keys and Admins.
    """
    wanted, warnings = body.parse()
    changed = await desk.change_settings(caller, changes_of(wanted))
    return success(request, PublicSettings.model_validate(changed), warnings=warnings)


def _shown(tenant: Tenant) -> TenantResource:
    return TenantResource(
        id=str(tenant.id),
        name=tenant.name,
        entra_tenant_id=str(tenant.entra_tenant_id) if tenant.entra_tenant_id else None,
        is_platform=tenant.is_platform,
        created_at=tenant.created_at,
    )
