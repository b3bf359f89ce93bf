"""A turn's end, written in one statement: each turn waits for it, so it is sent as it is."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson

from neo.db import Driver
from neo.events import Fenced
from neo.sessions import SessionNotFound
from neo.turns.contract import TurnInput
from neo.turns.models import ChatTurn, TurnStatus

# Whoever closes a turn holds the session's lock, or a message accepted meanwhile would be started by nobody.
LOCK = "SELECT 1 FROM chat_sessions WHERE tenant_id = $1 AND id = $2 FOR UPDATE"
# A cancel that was accepted holds, also when the answer was complete before it was heard. The turn to start next is
# looked for at a moment after the lock, so none that was accepted is missed.
CLOSE = """
    WITH closed AS (
        UPDATE chat_turns t SET
            status = CASE WHEN $5 = 'COMPLETED' AND t.cancel_requested_at IS NOT NULL THEN 'CANCELLED' ELSE $5 END,
            terminal_n = $6,
            ended_at = clock_timestamp(),
            finish_reason = said.finish_reason, error_code = said.error_code, error_message = said.error_message,
            provider = said.provider, region = said.region, model = said.model,
            input_tokens = said.input_tokens, output_tokens = said.output_tokens, cached_tokens = said.cached_tokens,
            first_token_ms = said.first_token_ms, total_ms = said.total_ms,
            omitted_messages = coalesce(said.omitted_messages, 0)
        FROM jsonb_to_record($7::jsonb) AS said (
            finish_reason text, error_code text, error_message text, provider text, region text, model text,
            input_tokens int, output_tokens int, cached_tokens int, first_token_ms int, total_ms int,
            omitted_messages int)
        WHERE t.tenant_id = $1 AND t.id = $3 AND t.pen = $4 AND t.status IN ('QUEUED', 'RUNNING')
        RETURNING t.*
    ), kept AS (
        INSERT INTO chat_messages (id, tenant_id, session_id, turn_id, position, role, parts)
        SELECT reply_message_id, tenant_id, session_id, id, turn_no * 2 + 1, 'assistant', $8::jsonb
        FROM closed WHERE $8::jsonb IS NOT NULL
    ), touched AS (
        UPDATE chat_sessions s SET updated_at = now(),
            continues_provider = CASE WHEN $9::jsonb IS NULL THEN s.continues_provider ELSE on_from.provider END,
            continues_region = CASE WHEN $9::jsonb IS NULL THEN s.continues_region ELSE on_from.region END,
            continues_response_id =
                CASE WHEN $9::jsonb IS NULL THEN s.continues_response_id ELSE on_from.response_id END,
            continues_turn_no = CASE WHEN $9::jsonb IS NULL THEN s.continues_turn_no ELSE closed.turn_no END
        FROM closed, jsonb_to_record(coalesce($9::jsonb, '{}')) AS on_from (
            provider text, region text, response_id text)
        WHERE s.tenant_id = $1 AND s.id = $2
    )
    SELECT closed.*, (
        SELECT o.id FROM chat_turns o
        WHERE o.tenant_id = $1 AND o.session_id = $2 AND o.id <> $3 AND o.status IN ('QUEUED', 'RUNNING')
        ORDER BY o.turn_no LIMIT 1
    ) AS following_id
    FROM closed
"""


@dataclass(frozen=True)
class Ending:
    """What is written when a turn ends. `pen` proves who ends it; `terminal_n` is where its events end.

    `parts` is the answer, where it is kept; `continues` is where the provider left off, where that is to change.
    """

    status: TurnStatus
    pen: int
    terminal_n: int | None
    parts: list[dict[str, Any]] | None = None
    continues: dict[str, Any] | None = None
    record: dict[str, Any] = field(default_factory=dict)


async def write_ending(db: Driver, turn: TurnInput, ending: Ending) -> tuple[ChatTurn, TurnInput | None]:
    """The turn as it ended, and the one that is to run next; raises `Fenced` when someone else has ended it."""
    tenant_id, session_id, turn_id = UUID(turn.tenant_id), UUID(turn.session_id), UUID(turn.turn_id)
    if not await db.fetch(LOCK, tenant_id, session_id):
        raise SessionNotFound("No such chat session.")
    rows = await db.fetch(
        CLOSE,
        tenant_id,
        session_id,
        turn_id,
        ending.pen,
        ending.status.value,
        ending.terminal_n,
        _json(ending.record),
        _json(ending.parts),
        _json(ending.continues),
    )
    if not rows:
        raise Fenced("The turn has ended, or another attempt has taken it over.")
    values = dict(rows[0])
    following_id = values.pop("following_id")
    following = TurnInput(turn.tenant_id, turn.session_id, str(following_id)) if following_id else None
    return ChatTurn(**values), following


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()
