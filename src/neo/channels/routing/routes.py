from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from neo.access import Principal, Right, caller_with
from neo.api import JsonBody, json_body, operation, status_of, success
from neo.channels.errors import ClientIdNotAllowed
from neo.channels.routing.explain import Explainer, Explanation
from neo.channels.routing.inbound import Inbound
from neo.channels.routing.schemas import ResolvedRoute, ResolveRouteRequest, RouteRefusal, RouteStep

resolve_router = APIRouter(prefix="/public-api/channels")
Asker = Annotated[Principal, Depends(caller_with(Right.EXPLAIN_ROUTE))]


@resolve_router.post(
    "/resolve",
    **operation(
        "public_api.channel_resolve_post",
        "Explain where a relayed message is routed",
        tag="Channels",
        body=ResolveRouteRequest,
        data=ResolvedRoute,
    ),
)
async def resolve_route(
    request: Request,
    caller: Asker,
    body: Annotated[JsonBody[ResolveRouteRequest], Depends(json_body(ResolveRouteRequest))],
) -> Response:
    """A dry run: which of the three routes a relayed message would take, with which agent, tenant and end company,
    and why the others would not be taken. Nothing is made. A refusal is part of the answer, which is 200.

    For the platform, and for an Admin, who asks as if the relay had named the Admin's own tenant: another tenant's
    channels do not show.
    """
    wanted, warnings = body.parse()
    if wanted.client_id is not None and not caller.is_platform:
        raise ClientIdNotAllowed("Only a platform service account may send `client_id`: omit it.")
    inbound = Inbound.parse(wanted.client_id, wanted.bot_id, wanted.inbound_tenant_id)
    found = await Explainer(request.app.state.database).explain(caller, inbound)
    return success(request, _shown(found), warnings=warnings)


def _shown(found: Explanation) -> ResolvedRoute:
    route, refusal = found.route, None
    if found.failure is not None:
        failure = found.failure
        refusal = RouteRefusal(
            status=status_of(failure), code=failure.code, message=failure.message, details=failure.details
        )
    return ResolvedRoute(
        route=route.kind if route else None,
        client_id=str(found.tenant_id) if found.tenant_id else None,
        agent_id=route.agent_id if route else None,
        channel_id=str(route.channel_id) if route and route.channel_id else None,
        audience=route.audience if route else None,
        end_company_id=route.end_company_id if route else None,
        show_agent_progress_steps=route.show_agent_progress_steps if route else None,
        refusal=refusal,
        steps=[
            RouteStep(route=step.route, is_taken=step.is_taken, reason=step.reason) for step in found.steps
        ],
    )
