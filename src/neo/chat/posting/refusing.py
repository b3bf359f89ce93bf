"""Messages that are not taken: said before, or said while a turn is open that may not be waited for."""

from sqlalchemy.ext.asyncio import AsyncSession

from neo.agents import Overlap
from neo.chat.errors import (
    ClientMessageIdReused,
    DuplicateClientMessageId,
    TooManyQueuedTurns,
    TurnInProgress,
    TurnQueueFull,
)
from neo.chat.posting.storing import Submission
from neo.errors import Failure
from neo.events import since_cursor
from neo.sessions import MessageStore
from neo.telemetry import turn_metrics
from neo.turns.models import ChatTurn
from neo.turns.store import TurnStore

# A tenant's turns end all the time; whoever asks sooner is refused again.
QUEUE_RETRY_SECONDS = 5


async def refuse_repeat(db: AsyncSession, said: Submission) -> None:
    draft = said.draft
    if draft.client_message_id is None:
        return
    found = await MessageStore(db, said.tenant_id).find_by_client_id(said.session_id, draft.client_message_id)
    # It is no repeat of itself: its first try may have been stored although the answer was lost.
    if found is None or found.id == said.user_message_id:
        return
    turn_metrics.duplicate_refused()
    turn = await TurnStore(db, said.tenant_id).get(said.session_id, found.turn_id)
    details = {"user_message_id": str(found.id), **_named(turn)}
    if found.draft_digest != draft.digest():
        raise ClientMessageIdReused("This `client_message_id` was used for another message.", details=details)
    raise DuplicateClientMessageId("This message was accepted before: tail its turn.", details=details)


async def not_taken(
    db: AsyncSession, said: Submission, overlap: Overlap, open_turns_max: int, undriven_max: int
) -> Failure:
    """Why a message was not stored. The session's lock is held, so its open turns are still open."""
    open_turns = await TurnStore(db, said.tenant_id).lock_open(said.session_id)
    count = len(open_turns)
    if count < open_turns_max:
        return TooManyQueuedTurns(
            f"{undriven_max} turns wait in this organisation: wait for some to end.",
            retry_after_seconds=QUEUE_RETRY_SECONDS,
        )
    details: dict[str, object] = {"open_turns": count, **_named(open_turns[0])}
    if overlap is Overlap.REJECT:
        return TurnInProgress("A turn of this session is under way: wait for its end.", details=details)
    return TurnQueueFull(f"{count} turns of this session are open: wait for one to end.", details=details)


def _named(turn: ChatTurn) -> dict[str, str]:
    return {
        "chat_turn_id": str(turn.id),
        "since_cursor": since_cursor(turn.turn_no),
        "chat_turn_status": turn.status,
    }
