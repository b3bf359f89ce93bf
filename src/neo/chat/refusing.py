"""Messages that are not taken: said before, or said while a turn is open that may not be waited for."""

from sqlalchemy.ext.asyncio import AsyncSession

from neo.agents import Overlap
from neo.chat.draft import Draft
from neo.chat.errors import ClientMessageIdReused, DuplicateClientMessageId, TurnInProgress, TurnQueueFull
from neo.events import since_cursor
from neo.sessions import ChatSession, MessageStore
from neo.telemetry import turn_metrics
from neo.turns.models import ChatTurn
from neo.turns.store import TurnStore


async def refuse_repeat(db: AsyncSession, session: ChatSession, draft: Draft) -> None:
    if draft.client_message_id is None:
        return
    found = await MessageStore(db, session.tenant_id).find_by_client_id(session.id, draft.client_message_id)
    if found is None:
        return
    turn_metrics.duplicate_refused()
    turn = await TurnStore(db, session.tenant_id).get(session.id, found.turn_id)
    details = {"user_message_id": str(found.id), **_named(turn)}
    if found.draft_digest != draft.digest():
        raise ClientMessageIdReused("This `client_message_id` was used for another message.", details=details)
    raise DuplicateClientMessageId("This message was accepted before: tail its turn.", details=details)


async def refuse_overlap(
    db: AsyncSession, session: ChatSession, overlap: Overlap, *, open_turns: int, queue_max: int
) -> None:
    """Raised after the message was stored, which takes it back: only then is it sure which turns are open."""
    if not open_turns or (overlap is Overlap.QUEUE and open_turns < queue_max):
        return
    first = await TurnStore(db, session.tenant_id).find_first_open(session.id)
    details: dict[str, object] = {"open_turns": open_turns, **(_named(first) if first else {})}
    if overlap is Overlap.REJECT:
        raise TurnInProgress("A turn of this session is under way: wait for its end.", details=details)
    raise TurnQueueFull(f"{queue_max} turns of this session are open: wait for one to end.", details=details)


def _named(turn: ChatTurn) -> dict[str, str]:
    return {
        "chat_turn_id": str(turn.id),
        "since_cursor": since_cursor(turn.turn_no),
        "chat_turn_status": turn.status,
    }
