"""A message and its turn, stored in one statement: the hot path, so it is written once and sent as it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from neo.attachments import Inspected
from neo.chat.draft import Draft
from neo.db import fetch
from neo.events import since_cursor
from neo.sessions import ChatSession, title_of
from neo.telemetry import traces

# The session counts the turn, the turn is queued, the message said. The open turns are those of before: the session's
# lock, taken by an earlier statement, keeps their number true until the commit.
STORE = """
    WITH counted AS (
        UPDATE chat_sessions SET last_turn_no = last_turn_no + 1, title = $3, updated_at = now()
        WHERE tenant_id = $1 AND id = $2
        RETURNING last_turn_no AS turn_no
    ), queued AS (
        INSERT INTO chat_turns
            (id, tenant_id, session_id, turn_no, model_tier, user_message_id, reply_message_id, traceparent)
        SELECT $4, $1, $2, turn_no, $7, $5, $6, $11 FROM counted
    ), said AS (
        INSERT INTO chat_messages
            (id, tenant_id, session_id, turn_id, position, role, parts, client_message_id, draft_digest)
        SELECT $5, $1, $2, $4, turn_no * 2, 'user', $8::jsonb, $9, $10 FROM counted
    )
    SELECT turn_no, (
        SELECT count(*) FROM chat_turns
        WHERE tenant_id = $1 AND session_id = $2 AND status IN ('QUEUED', 'RUNNING')
    ) AS open_turns FROM counted
"""


@dataclass(frozen=True)
class Accepted:
    """What was stored. `open_turns` were open before it."""

    user_message_id: UUID
    turn_id: UUID
    since_cursor: str
    show_agent_progress_steps: bool | None
    open_turns: int


async def store_message(
    db: AsyncSession, session: ChatSession, draft: Draft, inspected: Sequence[Inspected]
) -> Accepted:
    turn_id, message_id, reply_id = uuid4(), uuid4(), uuid4()
    [row] = await fetch(
        db,
        STORE,
        session.tenant_id,
        session.id,
        session.title or title_of(draft.message),
        turn_id,
        message_id,
        reply_id,
        draft.model_tier,
        orjson.dumps(_parts(draft, inspected)).decode(),
        draft.client_message_id,
        draft.digest(),
        traces.traceparent(),
    )
    cursor = since_cursor(row["turn_no"])
    return Accepted(message_id, turn_id, cursor, session.show_agent_progress_steps, row["open_turns"])


def _parts(draft: Draft, inspected: Sequence[Inspected]) -> list[dict[str, Any]]:
    """Where an attachment is read is told anew each time, so only which one it is is stored."""
    said = [{"type": "text", "text": draft.message}] if draft.message or not inspected else []
    return [*said, *({"type": "file", "attachment_id": str(one.attachment.id)} for one in inspected)]
