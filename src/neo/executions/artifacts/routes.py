from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from neo.api import moment_before, next_cursor, operation, own_url, success
from neo.executions.artifacts.desk import ArtifactDesk
from neo.executions.artifacts.schemas import ExecutionArtifact
from neo.executions.artifacts.shown import shown_artifact
from neo.executions.dependencies import TAG, ArtifactId, ExecutionId, ExecutionReader, Paged

artifact_router = APIRouter(prefix="/public-api/executions/{execution_id}/artifacts")


async def desk_of(request: Request) -> ArtifactDesk:
    desk: ArtifactDesk = request.app.state.artifact_desk
    return desk


Desk = Annotated[ArtifactDesk, Depends(desk_of)]


@artifact_router.get(
    "",
    **operation(
        "public_api.execution_artifact_list_get",
        "List an execution's artifacts",
        tag=TAG,
        data=ExecutionArtifact,
        is_list=True,
    ),
)
async def list_artifacts(
    request: Request, caller: ExecutionReader, desk: Desk, execution_id: ExecutionId, page: Paged
) -> Response:
    """What the execution's calls brought that is too long for a step, newest first. `download_url` is signed anew for
    each answer and good for 15 minutes. They are kept for 30 days.
    """
    kind = f"artifacts:{execution_id}"
    found = await desk.page(caller, execution_id, page.size + 1, before=moment_before(kind, page))
    urls = [await desk.url_of(one, own_url(request)) for one in found[: page.size]]
    return success(
        request,
        [shown_artifact(one, url) for one, url in zip(found, urls, strict=False)],
        is_page=True,
        next_cursor=next_cursor(kind, page, found, lambda one: (one.created_at.isoformat(), one.id)),
    )


@artifact_router.get(
    "/{artifact_id}",
    **operation(
        "public_api.execution_artifact_get", "Get an execution's artifact", tag=TAG, data=ExecutionArtifact
    ),
)
async def get_artifact(
    request: Request,
    caller: ExecutionReader,
    desk: Desk,
    execution_id: ExecutionId,
    artifact_id: ArtifactId,
) -> Response:
    """One of them, with a URL that is signed anew. What is unknown or was removed is `404 artifact_not_found`."""
    found = await desk.get(caller, execution_id, artifact_id)
    return success(request, shown_artifact(found, await desk.url_of(found, own_url(request))))
