from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from neo.access import Principal
from neo.api import JsonBody, json_body, operation, success
from neo.errors import Failure
from neo.executions.calls.desk import CallDesk
from neo.executions.calls.schemas import ExecutionCall, ResolveCall
from neo.executions.calls.shown import shown_call
from neo.executions.dependencies import TAG, ExecutionChanger, ExecutionId, ExecutionReader
from neo.executions.errors import CallNotFound

call_router = APIRouter(prefix="/public-api/executions/{execution_id}/calls")


async def desk_of(request: Request) -> CallDesk:
    desk: CallDesk = request.app.state.call_desk
    return desk


async def known_call_id(call_id: str) -> str:
    if not (call_id.isascii() and call_id.isprintable()):
        raise CallNotFound("The execution has no such call.")
    return call_id


Desk = Annotated[CallDesk, Depends(desk_of)]
CallId = Annotated[str, Depends(known_call_id)]


@call_router.get(
    "/{call_id}",
    **operation("public_api.execution_call_get", "Get a call", tag=TAG, data=ExecutionCall),
)
async def get_call(
    request: Request, caller: ExecutionReader, desk: Desk, execution_id: ExecutionId, call_id: CallId
) -> Response:
    """One call of a tool: what was asked, by which tool, how often it was sent, and what came of it."""
    return success(request, shown_call(*await desk.get(caller, execution_id, call_id)))


@call_router.post(
    "/{call_id}/resolution",
    **operation(
        "public_api.execution_call_resolution_post",
        "Resolve a call",
        tag=TAG,
        body=ResolveCall,
        data=ExecutionCall,
    ),
)
async def resolve_call(
    request: Request,
    caller: ExecutionChanger,
    desk: Desk,
    execution_id: ExecutionId,
    call_id: CallId,
    body: Annotated[JsonBody[ResolveCall], Depends(json_body(ResolveCall))],
) -> Response:
    """Say whether a call whose outcome is UNKNOWN was done, once you have looked. It stays UNKNOWN, with what you said
    as its `resolution`; the model is told with the session's next prompt. Any other call is `409 call_not_unknown`, and
    a second resolution `409 call_already_resolved`, with who said what and when. It is in the audit log.
    """
    wanted, warnings = await _parsed(body, desk, caller, execution_id, call_id)
    resolved = await desk.resolve(caller, execution_id, call_id, wanted.outcome.value, wanted.note)
    return success(request, shown_call(*resolved), warnings=warnings)


async def _parsed(
    body: JsonBody[ResolveCall], desk: CallDesk, caller: Principal, execution_id: UUID, call_id: str
) -> tuple[ResolveCall, list[str]]:
    try:
        return body.parse()
    except Failure:
        # Who may not see the call is not told what is wrong with the body.
        await desk.get(caller, execution_id, call_id)
        raise
