"""From a request to its tail: the cursor parsed, the session's channel subscribed, the session checked."""

from contextlib import ExitStack
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from neo.access import Principal
from neo.api import RepeatedParameter
from neo.db import Database
from neo.events import EventLog, Position, parse_cursor
from neo.tails.keep_alive import KeepAliveClock
from neo.tails.open_tails import OpenTails
from neo.tails.response import TailResponse
from neo.tails.stored import SessionSnapshots, StoredTurns
from neo.tails.tail import Tail, TailPace
from neo.tails.turn_status import Opening


class Tails:
    def __init__(
        self,
        database: Database,
        events: EventLog,
        *,
        pace: TailPace,
        send_seconds: float,
        open_tails: OpenTails,
    ) -> None:
        self._database = database
        self._events = events
        self._snapshots = SessionSnapshots(database)
        self._pace = pace
        self._send_seconds = send_seconds
        self._open_tails = open_tails
        self._clock = KeepAliveClock(events, tick_seconds=pace.tick_seconds)

    async def respond(
        self, request: Request, caller: Principal, session_id: UUID, *, since: str | None, follow: bool
    ) -> Response:
        """Subscribe first, then look once at PostgreSQL: nothing that happens after the look is missed."""
        with ExitStack() as undo:
            subscription = await self._events.subscribe(session_id)
            undo.callback(subscription.close)
            snapshot = await self._snapshots.opening(caller, session_id)
            tail = Tail(
                self._events,
                StoredTurns(self._database, self._snapshots, caller.tenant_id, session_id),
                session_id,
                _cursor(request, since),
                subscription=subscription,
                opening=Opening(snapshot.newest) if subscription.was_confirmed else None,
                open_tails=self._open_tails,
                clock=self._clock,
                credential=caller.credential,
                follow=follow,
                show_progress=snapshot.shows_progress,
                pace=self._pace,
            )
            if await tail.is_over(snapshot.newest):
                return Response(status_code=204, headers={"cache-control": "no-store"})
            permit = self._open_tails.permit_for(caller.credential)
            # From here on the response closes it.
            undo.pop_all()
        return TailResponse(tail, send_seconds=self._send_seconds, permit=permit)


def _cursor(request: Request, since: str | None) -> Position | None:
    """The header wins: a browser that reconnects repeats the old address."""
    headers = request.headers.getlist("last-event-id")
    if len(headers) > 1:
        raise RepeatedParameter("Send one cursor: `Last-Event-ID` or `since`, once.")
    text = headers[0] if headers else since
    return parse_cursor(text) if text is not None else None
