"""From a request to its tail: the cursor read, the session checked, nothing held open in PostgreSQL."""

from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from neo.access import Principal
from neo.api import RepeatedParameter
from neo.db import Database
from neo.events import EventLog, Position, parse_cursor
from neo.tails.keep_alive import Rounds
from neo.tails.response import TailResponse
from neo.tails.session_snapshot import Glances
from neo.tails.stored_turns import SessionLedger
from neo.tails.tail import OpenTails, Tail, TailPace
from neo.tails.turn_status import FirstLook


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
        self._glances = Glances(database)
        self._pace = pace
        self._send_seconds = send_seconds
        self._open_tails = open_tails
        self._rounds = Rounds(events, seconds=pace.round_seconds)

    async def respond(
        self, request: Request, caller: Principal, session_id: UUID, *, since: str | None, follow: bool
    ) -> Response:
        heard_since = self._events.since(session_id)
        glance = await self._glances.opening(caller, session_id)
        tail = Tail(
            self._events,
            SessionLedger(self._database, self._glances, caller.tenant_id, session_id),
            session_id,
            _cursor(request, since),
            open_tails=self._open_tails,
            rounds=self._rounds,
            credential=caller.credential,
            follow=follow,
            show_progress=glance.shows_progress,
            pace=self._pace,
            first_look=FirstLook(glance.newest, heard_since),
        )
        if await tail.is_over(glance.newest):
            return Response(status_code=204, headers={"cache-control": "no-store"})
        place = self._open_tails.place_for(caller.credential)
        return TailResponse(tail, send_seconds=self._send_seconds, place=place)


def _cursor(request: Request, since: str | None) -> Position | None:
    """The header wins: a browser that reconnects repeats the old address."""
    headers = request.headers.getlist("last-event-id")
    if len(headers) > 1:
        raise RepeatedParameter("Send one cursor: `Last-Event-ID` or `since`, once.")
    text = headers[0] if headers else since
    return parse_cursor(text) if text is not None else None
