import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from neo.api import ERRORS, operation, success
from neo.meta import reference
from neo.meta.guide import GUIDE
from neo.meta.health import Health
from neo.meta.schemas import HealthResource, ReadyResource

meta_router = APIRouter()


@meta_router.head("/public-api/health", include_in_schema=False)
@meta_router.get(
    "/public-api/health",
    **operation("public_api.health_get", "Liveness", tag="Meta", data=HealthResource, is_public=True),
)
async def get_health(request: Request) -> Response:
    """The process answers. It says nothing of the engines: ask `/public-api/ready`."""
    return success(request, HealthResource(status="ok"))


@meta_router.head("/public-api/ready", include_in_schema=False)
@meta_router.get(
    "/public-api/ready",
    **operation(
        "public_api.ready_get",
        "Readiness",
        tag="Meta",
        data=ReadyResource,
        is_public=True,
        other={503: ERRORS[503]},
    ),
)
async def get_ready(request: Request) -> Response:
    """Which engine is up and which is down, and whether anybody runs turns. `200` while messages can be accepted:
    `ready` with everything up, `degraded` while Valkey, Temporal or whoever runs turns is away. `503 not_ready` without
    PostgreSQL; `details.parts` says it all.
    """
    health: Health = request.app.state.health
    found = await health.readiness()
    resource = ReadyResource(
        status="degraded" if found.is_degraded else "ready",
        parts=found.parts,
        oldest_claimable_turn_seconds=round(found.oldest_claimable_turn_seconds, 3),
    )
    return success(request, resource)


@meta_router.get("/public-api/openapi.json", include_in_schema=False)
async def get_openapi_document(request: Request) -> Response:
    return Response(orjson.dumps(request.app.openapi()), media_type="application/json")


@meta_router.get("/llms.txt", include_in_schema=False)
async def get_guide() -> Response:
    return Response(GUIDE, media_type="text/plain; charset=utf-8")


@meta_router.get("/docs", include_in_schema=False)
async def get_reference() -> Response:
    return reference.page()


@meta_router.get("/docs/assets/{name}", include_in_schema=False)
async def get_asset(name: str) -> Response:
    return reference.asset(name)
