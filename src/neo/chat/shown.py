"""From rows to the wire."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from neo.access import Principal
from neo.attachments import Attachment
from neo.chat.cancel import Stopped
from neo.chat.history import OpenTurnReply, SettledReply, Transcript, shown_parts
from neo.chat.schemas import (
    AuthorKind,
    AuthorResource,
    ChatMessages,
    ChatSessionDetail,
    ChatSessionResource,
    ChatTurnResource,
    MessageMetadata,
    OpenReply,
    OpenTurn,
    ResetSession,
    StoppedTurn,
    TurnError,
    TurnUsage,
    UIMessage,
    UnsettledCall,
)
from neo.events import since_cursor
from neo.sessions import ChatMessage, ChatSession, ShownAuthor
from neo.turns.models import ChatTurn, ToolCallRow
from neo.turns.render import usage_of

# What of a turn's usage its end user has seen anyway.
TIMES = frozenset({"first_token_ms", "total_ms", "omitted_messages"})


def shown_session(session: ChatSession) -> ChatSessionResource:
    return ChatSessionResource(
        id=str(session.id),
        agent_id=session.agent_id,
        client_id=str(session.tenant_id),
        title=session.title,
        channel=session.channel,
        show_agent_progress_steps=session.show_agent_progress_steps,
        created_at=session.created_at,
        updated_at=session.updated_at,
        archived_at=session.archived_at,
    )


def shown_reset(stopped: Stopped[ChatSession]) -> ResetSession:
    left = _unsettled(stopped.unsettled_calls)
    return ResetSession(**shown_session(stopped.what).model_dump(), unsettled_calls=left)


def shown_stopped(caller: Principal, stopped: Stopped[ChatTurn], author: ShownAuthor | None) -> StoppedTurn:
    left = _unsettled(stopped.unsettled_calls)
    return StoppedTurn(**shown_turn(caller, stopped.what, author).model_dump(), unsettled_calls=left)


def _unsettled(calls: Sequence[ToolCallRow]) -> list[UnsettledCall]:
    return [
        UnsettledCall(id=call.id, chat_turn_id=str(call.turn_id), name=call.name, status=call.status)
        for call in calls
    ]


def shown_detail(session: ChatSession, open_turn: OpenTurnReply | None) -> ChatSessionDetail:
    return ChatSessionDetail(**shown_session(session).model_dump(), open_turn=shown_open_turn(open_turn))


def shown_open_turn(found: OpenTurnReply | None) -> OpenTurn | None:
    if found is None:
        return None
    turn, reply = found.turn, found.reply
    return OpenTurn(
        id=str(turn.id),
        status=turn.status,
        chat_turn_id=str(turn.id),
        chat_turn_status=turn.status,
        since_cursor=since_cursor(turn.turn_no),
        waiting_for=turn.waiting_for,
        reply=_reply(turn, reply) if reply is not None else None,
    )


def _reply(turn: ChatTurn, reply: SettledReply) -> OpenReply:
    return OpenReply(id=str(turn.reply_message_id), parts=reply.parts, cursor=str(reply.end))


def shown_transcript(transcript: Transcript, rows: int, urls: Mapping[UUID, str]) -> ChatMessages:
    """`urls` are where each attachment is read."""
    files = {str(one.id): _file(one, urls[one.id]) for one in transcript.attachments}
    open_turn = transcript.open_turn
    # A turn that has ended since it was read is shown as open: a reply is in one of the two places.
    replayed = open_turn.turn.reply_message_id if open_turn is not None else None
    page = (message for message in transcript.messages[:rows] if message.id != replayed)
    shown = [_message(message, transcript, files) for message in page]
    return ChatMessages(messages=shown, open_turn=shown_open_turn(open_turn))


def shown_turn(caller: Principal, turn: ChatTurn, author: ShownAuthor | None) -> ChatTurnResource:
    error = TurnError(code=turn.error_code, message=turn.error_message or "") if turn.error_code else None
    return ChatTurnResource.model_validate(
        {
            "id": str(turn.id),
            "session_id": str(turn.session_id),
            "status": turn.status,
            "model_tier": turn.model_tier,
            "since_cursor": since_cursor(turn.turn_no),
            "user_message_id": str(turn.user_message_id),
            "author": _author(author),
            "reply_message_id": str(turn.reply_message_id) if turn.keeps_reply else None,
            "attempts": turn.attempts,
            "finish_reason": turn.finish_reason,
            "error": error,
            "usage": _usage(caller, turn),
            "created_at": turn.created_at,
            "started_at": turn.started_at,
            "first_token_at": _after(turn.created_at, turn.first_token_ms),
            "cancel_requested_at": turn.cancel_requested_at,
            "ended_at": turn.ended_at,
        }
    )


def _usage(caller: Principal, turn: ChatTurn) -> TurnUsage:
    usage = usage_of(turn)
    if not caller.sees_workings:
        usage = {name: usage[name] if name in TIMES else None for name in usage}
    return TurnUsage(**usage)


def _after(moment: datetime, milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else moment + timedelta(milliseconds=milliseconds)


def _file(attachment: Attachment, url: str) -> dict[str, Any]:
    part = {"type": "file", "mediaType": attachment.stored_mime or attachment.mime, "url": url}
    return {**part, "filename": attachment.filename} if attachment.filename else part


def _author(author: ShownAuthor | None) -> AuthorResource | None:
    if author is None:
        return None
    return AuthorResource(
        kind=AuthorKind(author.kind.upper()), id=str(author.id) if author.id else None, name=author.name
    )


def _message(message: ChatMessage, transcript: Transcript, files: Mapping[str, dict[str, Any]]) -> UIMessage:
    turn = transcript.turns[message.turn_id]
    metadata = MessageMetadata(
        chat_turn_id=str(turn.id),
        chat_turn_status=turn.status,
        client_message_id=message.client_message_id,
        superseded_by=str(turn.superseded_by) if turn.superseded_by else None,
        author=_author(transcript.authors.get(message.author) if message.author else None),
        created_at=message.created_at,
    )
    visible = shown_parts(message.parts, shows_progress=transcript.shows_progress)
    parts = [files[part["attachment_id"]] if part["type"] == "file" else part for part in visible]
    return UIMessage(id=str(message.id), role=message.role, metadata=metadata, parts=parts)
