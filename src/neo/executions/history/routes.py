from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from neo.access import Principal
from neo.api import Moment, moment_before, next_cursor, operation, page_token, success
from neo.executions.dependencies import TAG, ExecutionId, ExecutionReader, Paged
from neo.executions.history.desk import ExecutionDesk
from neo.executions.history.filters import Filters
from neo.executions.history.schemas import Execution
from neo.executions.history.shown import shown_execution

history_router = APIRouter(prefix="/public-api/executions")

# Longer than what anybody looks for.
SEARCH_CHARACTERS_MAX = 200


async def desk_of(request: Request) -> ExecutionDesk:
    desk: ExecutionDesk = request.app.state.execution_desk
    return desk


async def filters_of(
    agent_id: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Of this agent.")] = None,
    entity_id: Annotated[str | None, Query(description="No chat turn has one.")] = None,
    entity_number: Annotated[str | None, Query(description="No chat turn has one.")] = None,
    status: Annotated[
        str | None,
        Query(
            description="One or more with commas: QUEUED, RUNNING, WAITING, SUCCESS, FAILURE, SKIPPED, CANCELLED."
        ),
    ] = None,
    autonomy_type: Annotated[
        str | None, Query(description="One or more with commas: CHAINED_ACTIONS, AGENTIC, CONVERSATIONAL.")
    ] = None,
    trigger: Annotated[
        str | None,
        Query(
            description="One or more with commas. Without CHAT, or a `session_id`, no chat turn is listed."
        ),
    ] = None,
    session_id: Annotated[str | None, Query(description="Of this chat session.")] = None,
    created_after: Annotated[Moment | None, Query(description="At this moment or later.")] = None,
    created_before: Annotated[Moment | None, Query(description="Before this moment.")] = None,
    q: Annotated[
        str | None,
        Query(
            pattern=rf"^[^\x00]{{1,{SEARCH_CHARACTERS_MAX}}}$",
            description="Whose message has this text, in any case. A page looks at 5,000: follow `next_cursor`.",
        ),
    ] = None,
) -> Filters:
    return Filters(
        agent_id=agent_id,
        entity_id=entity_id,
        entity_number=entity_number,
        status=status,
        autonomy_type=autonomy_type,
        trigger=trigger,
        session_id=session_id,
        created_after=created_after,
        created_before=created_before,
        q=q,
    )


Desk = Annotated[ExecutionDesk, Depends(desk_of)]


@history_router.get(
    "",
    **operation("public_api.execution_list_get", "List executions", tag=TAG, data=Execution, is_list=True),
)
async def list_executions(
    request: Request,
    caller: ExecutionReader,
    desk: Desk,
    filters: Annotated[Filters, Depends(filters_of)],
    page: Paged,
) -> Response:
    """What agents did, newest first: all of the tenant's for an API key and an Admin, of one's own sessions for other
    dashboard users. Chat turns are listed with `trigger=CHAT` or a `session_id` only; there are no others yet. A word
    that a filter does not have is `400 execution_filter_invalid`.
    """
    kind = _kind(caller)
    found, end = await desk.page(caller, filters, page.size + 1, before=moment_before(kind, page))
    cursor = next_cursor(kind, page, found, lambda one: (one[0].turn.created_at.isoformat(), one[0].turn.id))
    if cursor is None and end is not None:
        cursor = page_token(kind, end[0].isoformat(), end[1])
    return success(
        request,
        [shown_execution(*one) for one in found[: page.size]],
        is_page=True,
        next_cursor=cursor,
    )


@history_router.get(
    "/{execution_id}",
    **operation("public_api.execution_get", "Get an execution", tag=TAG, data=Execution),
)
async def get_execution(
    request: Request, caller: ExecutionReader, desk: Desk, execution_id: ExecutionId
) -> Response:
    """Where it stands, how it ended, who asked. A chat turn's id is its execution's."""
    return success(request, shown_execution(*await desk.get(caller, execution_id)))


def _kind(caller: Principal) -> str:
    # The tenant is in the cursor, so that one tenant's cursor is refused to another.
    return f"executions:{caller.tenant_id}"
