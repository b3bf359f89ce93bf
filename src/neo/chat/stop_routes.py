from fastapi import APIRouter, Request
from starlette.responses import Response

from neo.api import operation, success
from neo.chat.dependencies import Desk, SessionCloser, SessionId, TurnId, TurnStopper
from neo.chat.schemas import ResetSession, StoppedTurn
from neo.chat.shown import shown_reset, shown_stopped

stop_router = APIRouter(prefix="/public-api/chat/sessions")


@stop_router.post(
    "/{session_id}/turns/{turn_id}/cancel",
    **operation("public_api.chat_turn_cancel_post", "Cancel a turn", data=StoppedTurn),
)
async def cancel_turn(
    request: Request, caller: TurnStopper, desk: Desk, session_id: SessionId, turn_id: TurnId
) -> Response:
    """Stop a turn. A queued one ends at once as CANCELLED and is never told to the model. A running one stops within
    a second: its stream ends with an `abort` envelope, and what had been said is kept as its reply. Until then it
    is shown as RUNNING. Once this is answered the turn ends as CANCELLED, or as FAILED, whoever dies next.

    Calls that have left are not recalled: `unsettled_calls` are those that may have had an effect. One that runs has
    five seconds to answer, and is UNKNOWN then. A turn that has ended already stays as it is: cancelling it answers
    200 as well. An end user's session token stops turns of its own session.
    """
    stopped = await desk.canceller.cancel(caller, session_id, turn_id)
    _, author = await desk.reader.turn(caller, session_id, turn_id)
    return success(request, shown_stopped(caller, stopped, author))


@stop_router.post(
    "/{session_id}/reset",
    **operation(
        "public_api.chat_session_reset_post",
        "Reset a chat session (archive + start fresh)",
        data=ResetSession,
    ),
)
async def reset_session(
    request: Request, caller: SessionCloser, desk: Desk, session_id: SessionId
) -> Response:
    """Archive the session and cancel any in-flight turn: open a new session to go on without its context. No body.
    Always 200: resetting an archived session again changes nothing. `unsettled_calls` is as for a cancelled turn.
    """
    return success(request, shown_reset(await desk.canceller.archive(caller, session_id)))
