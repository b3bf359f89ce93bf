from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from neo.access import Gate, Principal, Right, caller_with
from neo.api import (
    JsonBody,
    Page,
    json_body,
    long_page,
    operation,
    own_url,
    phases_of,
    requested_page,
    success,
    when_large,
)
from neo.attachments import Cited
from neo.chat import paging
from neo.chat.dependencies import (
    Desk,
    Desks,
    Opener,
    SessionCloser,
    SessionId,
    SessionReader,
    Talker,
    TurnId,
    TurnReader,
    spoken_for,
)
from neo.chat.history import Transcript
from neo.chat.open import Opening
from neo.chat.posting.draft import Draft
from neo.chat.posting.storing import Accepted
from neo.chat.schemas import (
    ChatMessages,
    ChatSessionDetail,
    ChatSessionResource,
    ChatTurnResource,
    CreateChatSessionRequest,
    PostMessageRequest,
    PostMessageResponse,
    QueuedBehind,
)
from neo.chat.shown import shown_detail, shown_session, shown_transcript, shown_turn
from neo.db import fitting
from neo.errors import Failure
from neo.sessions import ChatSession
from neo.telemetry import turn_metrics

router = APIRouter(prefix="/public-api/chat/sessions")


Lister = Annotated[Principal, Depends(caller_with(Right.LIST_SESSIONS))]
Paged = Annotated[Page, Depends(requested_page)]


@router.post(
    "",
    **operation(
        "public_api.chat_session_create_post",
        "Create a chat session",
        body=CreateChatSessionRequest,
        data=ChatSessionResource,
    ),
)
async def create_session(
    request: Request,
    caller: Opener,
    desk: Desk,
    body: Annotated[JsonBody[CreateChatSessionRequest], Depends(json_body(CreateChatSessionRequest))],
) -> Response:
    """Create a session against a CONVERSATIONAL agent. Returns the session resource; messages are appended via
    `POST /chat/sessions/<id>/messages`.

    Select the agent with **exactly one** of `agent_id` (numeric) or `managed_agent_key` (a stable key for a
    Neo-managed agent, e.g. `NEO_SUPPORT`); the latter lets a caller target the agent without knowing its
    per-tenant id. Both or neither: `422 agent_selector_invalid`.

    A **platform** service account sends no `agent_id`: the agent is resolved from `bot_id` and
    `inbound_tenant_id`, else from `client_id`, in this order: the white-label channel of that bot which is
    installed for `inbound_tenant_id`, acting as its owner (a session is then scoped to the one end company that is
    linked to `inbound_tenant_id`, else `409 end_company_not_mapped`, whose message may be shown to the end user);
    the ACTIVE channel of that bot in the tenant `client_id`; that tenant's Neo Support agent. Where `client_id` was
    sent and is not the owner of that white-label channel, nothing is opened: `409 client_id_not_owner`, and both
    tenants find it in their audit logs. It may name whom it speaks for in the headers `X-Neo-End-User` and
    `X-Neo-End-User-Email` (at most 320 characters each, percent-encoded UTF-8), which are kept with the session and
    in the audit log.

    Any other caller passing `client_id` is rejected with 403; `bot_id` and `inbound_tenant_id` from anyone else
    are ignored.
    """
    if caller.is_platform:
        session, warnings = await _open_routed(request, caller, desk, body)
    else:
        wanted, warnings = body.parse()
        session = await desk.sessions.open(caller, Opening(**wanted.model_dump()))
    return success(request, shown_session(session), warnings=warnings)


@router.get(
    "",
    **operation(
        "public_api.chat_session_list_get", "List chat sessions", data=ChatSessionResource, is_list=True
    ),
)
async def list_sessions(request: Request, caller: Lister, desk: Desk, page: Paged) -> Response:
    """Sessions, newest first, archived ones included: all of the tenant's for an API key and an Admin, one's own
    for other dashboard users. Page with `cursor`.
    """
    found = await desk.reader.sessions(caller, page.size + 1, paging.sessions_before(caller, page))
    return success(
        request,
        [shown_session(session) for session in found[: page.size]],
        is_page=True,
        next_cursor=paging.next_sessions(caller, page, found),
    )


@router.get(
    "/{session_id}",
    **operation("public_api.chat_session_get", "Get a chat session", data=ChatSessionDetail),
)
async def get_session(request: Request, caller: SessionReader, desk: Desk, session_id: SessionId) -> Response:
    """One session, with the turn that is open, if any: tail the events from its `since_cursor`."""
    return success(request, shown_detail(*await desk.reader.session(caller, session_id)))


@router.post(
    "/{session_id}/messages",
    **operation(
        "public_api.chat_session_post_message_post",
        "Append a user message + enqueue a chat turn",
        body=PostMessageRequest,
        data=PostMessageResponse,
        status=202,
    ),
)
async def post_message(
    request: Request,
    caller: Talker,
    desk: Desk,
    session_id: SessionId,
    body: Annotated[JsonBody[PostMessageRequest], Depends(json_body(PostMessageRequest))],
) -> Response:
    """Persists the user message and enqueues a `ChatTurnWorkflow`. Returns 202 Accepted with the persisted message
    id + the Temporal workflow id. The agent's streamed response is consumed via
    `GET /chat/sessions/<id>/events`. Pass `client_message_id` (1 to 128 printable ASCII characters) for
    idempotent retries — a duplicate returns 409 `duplicate_client_message_id` with the original ids and cursor in
    `details`, and no new turn is enqueued; the same id with another message is 409 `client_message_id_reused`.

    The response also includes `since_cursor`: the stream position right before this turn. Pass it as
    `?since=<since_cursor>` on the very next call to `/chat/sessions/<id>/events` so the tail skips envelopes from
    prior turns on this session — skipping the cursor on a 2nd+ turn against the same session causes the tail to
    return the previous turn's final state.

    A message has at most 100,000 characters, a body at most 1 MiB. A message posted while a turn runs is accepted
    and waits: turns of a session run one at a time, in order. With `overlap: "reject"` it is refused instead,
    `409 turn_in_progress`; beyond 100 open turns, or 10 where an end user posts, it is `409 turn_queue_full`. Where too
    many turns of the whole tenant wait it is `429 too_many_queued_turns`. An archived session answers
    `409 session_archived`.

    `attachments` are images, at most 6, each uploaded through a grant of
    `POST /chat/sessions/<id>/attachments/upload-url` and used by one message only; `message` may then be empty. What
    was not granted to this session or is used already answers `422 attachment_not_found`, what was not uploaded
    `422 attachment_not_uploaded`, content of another type `422 attachment_type_mismatch`, an image that is broken, of
    more than 25 million pixels or of more than 20 frames `422 attachment_invalid`, one of more than
    10 MiB `413 attachment_too_large`.
    """
    draft, warnings = await _draft(desk, caller, session_id, body)
    accepted = await desk.turns.submit(caller, session_id, draft)
    turn_metrics.accepted(phases_of(request).seconds)
    return success(request, _accepted(accepted), status=202, warnings=warnings)


@router.get(
    "/{session_id}/messages",
    **operation("public_api.chat_session_messages_get", "List a session's messages", data=ChatMessages),
)
async def list_messages(
    request: Request,
    caller: SessionReader,
    desk: Desk,
    session_id: SessionId,
    page: Paged,
    order: Annotated[Literal["asc", "desc"], Query(description="`asc`: oldest first.")] = "asc",
    *,
    superseded: Annotated[
        bool, Query(description="True: with replies whose message was asked again (`retry` of an execution).")
    ] = False,
) -> Response:
    """The transcript as AI SDK `UIMessage`s, and the open turn with its cursor, if any. A turn's reply is here
    before its terminal envelope is on the stream. An image is a `file` part whose `url` is signed anew for each
    answer and good for 15 minutes.
    """
    async with long_page(request):
        after = paging.messages_after(session_id, page, order)
        found = await desk.reader.transcript(
            caller,
            session_id,
            page.size + 1,
            after=after,
            newest_first=order == "desc",
            with_superseded=superseded,
        )
        return await _shown_page(request, desk, session_id, page, order, found)


async def _shown_page(
    request: Request, desk: Desks, session_id: UUID, page: Page, order: str, found: Transcript
) -> Response:
    fit = fitting(found.messages)
    page = page.ending_after(fit.rows)
    next_cursor = paging.next_messages(session_id, page, order, found.messages)
    urls = await desk.uploads.urls_of(found.attachments, own_url(request))

    def answer() -> Response:
        shown = shown_transcript(found, page.size, urls)
        return success(request, shown, is_page=True, next_cursor=next_cursor)

    return await when_large(request, fit.size_bytes, answer)


@router.get(
    "/{session_id}/turns/{turn_id}",
    **operation("public_api.chat_turn_get", "Get a turn", data=ChatTurnResource),
)
async def get_turn(
    request: Request, caller: TurnReader, desk: Desk, session_id: SessionId, turn_id: TurnId
) -> Response:
    """A turn's record: who asked, status, error, usage and times."""
    return success(request, shown_turn(caller, *await desk.reader.turn(caller, session_id, turn_id)))


@router.post(
    "/{session_id}/archive",
    **operation("public_api.chat_session_archive_post", "Archive a chat session", data=ChatSessionResource),
)
async def archive_session(
    request: Request, caller: SessionCloser, desk: Desk, session_id: SessionId
) -> Response:
    """No more messages are taken from now on, and open turns are cancelled; what was said stays readable. Archiving
    twice answers 200 again.
    """
    return success(request, shown_session((await desk.canceller.archive(caller, session_id)).what))


@router.get(
    "/{session_id}/events",
    **operation(
        "public_api.chat_session_events_get",
        "Tail chat-session events (SSE)",
        other={
            200: {
                "description": "Vercel AI SDK v6 UI message chunks, one a `data:` line, each with an `id:`.",
                "content": {"text/event-stream": {"schema": {"type": "string"}}},
            },
            204: {
                "description": "Nothing to come: the cursor is at the newest turn's end and no turn is open."
            },
        },
    ),
)
async def tail_events(
    request: Request,
    caller: SessionReader,
    desk: Desk,
    session_id: SessionId,
    since: Annotated[
        str | None,
        Query(description="Read strictly after this event id. The `Last-Event-ID` header wins over it."),
    ] = None,
    *,
    follow: Annotated[bool, Query(description="Stay open over turns instead of ending after one.")] = False,
) -> Response:
    """The agent's answer as it comes, and as often as wanted: `text/event-stream` in the Vercel AI SDK v6 UI
    message stream form.

    Pass the `since_cursor` of the turn to read it from its start, or the last event id received to go on after a
    disconnect. A response carries one turn: after its terminal envelope (`finish`, `error` or `abort`) comes
    `data: [DONE]` and the end. `204` when there is nothing to come. A malformed cursor is `400 invalid_cursor`.

    When what follows the cursor is no longer kept, a `data-stream-reset` chunk says so and the turn is replayed
    from its start. A turn taken up again after a crash says `data-turn-restarted` and starts over: drop the parts
    before it. A comment keeps the connection alive every 15 s; a tail of long life ends with `retry:`.
    """
    return await desk.tails.respond(request, caller, session_id, since=since, follow=follow)


def _accepted(accepted: Accepted) -> PostMessageResponse:
    behind = accepted.queued_behind
    return PostMessageResponse(
        chat_turn_id=str(accepted.turn_id),
        queued_behind=None
        if behind is None
        else QueuedBehind(
            turn_id=str(behind.turn_id), waiting_for=behind.waiting_for, position=behind.position
        ),
        show_agent_progress_steps=accepted.show_agent_progress_steps,
        since_cursor=accepted.since_cursor,
        user_message_id=str(accepted.user_message_id),
    )


async def _draft(
    desk: Desks, caller: Principal, session_id: UUID, body: JsonBody[PostMessageRequest]
) -> tuple[Draft, list[str]]:
    try:
        message, warnings = body.parse()
        cited = tuple(Cited(**one.model_dump()) for one in message.attachments)
        draft = Draft(
            message.message, message.model_tier.value, message.client_message_id, cited, message.overlap
        )
        draft.check()
    except Failure:
        # Who may not see the session is not told what is wrong with the body.
        await desk.reader.check(caller, session_id)
        raise
    return draft, warnings


async def _open_routed(
    request: Request, platform: Principal, desk: Desks, body: JsonBody[CreateChatSessionRequest]
) -> tuple[ChatSession, list[str]]:
    gate: Gate = request.app.state.gate
    charged = platform.tenant_id
    try:
        wanted, warnings = body.parse()
        end_user, end_user_email = spoken_for(request)
        opening = Opening(**wanted.model_dump(), end_user=end_user, end_user_email=end_user_email)
        destination = await desk.relayed.find(opening)
        charged = destination.acting_tenant_id or charged
    finally:
        # Before anything is stored: what is over the limit leaves nothing behind.
        await gate.charge(request, platform, tenant_id=charged)
    return await desk.relayed.open(platform, opening, destination), warnings
