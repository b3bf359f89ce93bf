from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from neo.agents import AgentDesk, AgentId
from neo.api import operation, success
from neo.executions.control.desk import ControlDesk
from neo.executions.control.schemas import ExecutionSignal, RetriedExecution
from neo.executions.dependencies import TAG, AgentRunner, ExecutionChanger, ExecutionId
from neo.executions.errors import InvalidForConversational

control_router = APIRouter(prefix="/public-api")


async def desk_of(request: Request) -> ControlDesk:
    desk: ControlDesk = request.app.state.control_desk
    return desk


Desk = Annotated[ControlDesk, Depends(desk_of)]


@control_router.post(
    "/executions/{execution_id}/cancel",
    **operation(
        "public_api.execution_cancel_post", "Cancel an execution", tag=TAG, data=ExecutionSignal, status=202
    ),
)
async def cancel_execution(
    request: Request, caller: ExecutionChanger, desk: Desk, execution_id: ExecutionId
) -> Response:
    """Stop an execution: it is CANCELLED within a second or so, and keeps what it had done. What ran when it was
    stopped is UNKNOWN. Asking again while it stops changes nothing; of one that has ended it is
    `409 execution_already_finished`. An Admin stops those of their own sessions.
    """
    await desk.cancel(caller, execution_id)
    said = "It stops within a second or so: read the execution."
    signal = ExecutionSignal(execution_id=str(execution_id), signal="cancel", message=said)
    return success(request, signal, status=202)


@control_router.post(
    "/executions/{execution_id}/retry",
    **operation(
        "public_api.execution_retry_post", "Retry an execution", tag=TAG, data=RetriedExecution, status=202
    ),
)
async def retry_execution(
    request: Request, caller: ExecutionChanger, desk: Desk, execution_id: ExecutionId
) -> Response:
    """Ask a chat turn's message again, as a new execution, by the rules for posting. The older reply is superseded: it
    is left out of the transcript, but for `?superseded=true`, and of what models are given later. What its calls did is
    done, and the model is told of those that changed something. Of a session's newest turn only, and only once it has
    ended: else `409 execution_not_retryable`.
    """
    retried = await desk.retry(caller, execution_id)
    shown = RetriedExecution(
        execution_id=str(retried.turn_id),
        retried_execution_id=str(execution_id),
        status="queued",
        session_id=str(retried.session_id),
        since_cursor=retried.since_cursor,
    )
    return success(request, shown, status=202)


@control_router.post(
    "/agents/{agent_id}/run-now",
    **operation(
        "public_api.agent_run_now_post", "Run an agent now", tag="Agents", data=RetriedExecution, status=202
    ),
)
async def run_agent_now(request: Request, caller: AgentRunner, agent_id: AgentId) -> Response:
    """Of a CONVERSATIONAL agent it is `400 invalid_for_conversational`: open a chat session with it. There are no
    others yet.
    """
    agents: AgentDesk = request.app.state.agent_desk
    agent = await agents.get(caller, agent_id)
    said = f"{agent.name!r} is CONVERSATIONAL: open a chat session with it, and post a message."
    raise InvalidForConversational(said)
