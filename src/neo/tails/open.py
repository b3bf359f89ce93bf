"""From a request to its tail, and the tail as an HTTP response: what the AI SDK expects, and a bound on how slow a
reader may be.
"""

import asyncio
from collections.abc import Mapping
from contextlib import ExitStack, aclosing
from uuid import UUID

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from neo.access import Permit, Principal
from neo.api import RepeatedParameter, abort_connection
from neo.db import Database
from neo.events import EventLog, Position, parse_cursor
from neo.tails.open_tails import KeepAliveClock, OpenTails
from neo.tails.place import Shown
from neo.tails.stored import SessionSnapshots, StoredTurns
from neo.tails.tail import Tail, TailPace
from neo.tails.turn_status import Opening
from neo.telemetry import process_metrics

log = structlog.get_logger()

SEND_SECONDS = 10.0
# Encoded once: thousands of responses share them for as long as they are open.
HEADERS = (
    (b"content-type", b"text/event-stream"),
    # Servers on the way that compress would hold events back until they have enough of them.
    (b"cache-control", b"no-store, no-transform"),
    (b"x-vercel-ai-ui-message-stream", b"v1"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
)
STREAM_OPEN: Message = {"type": "http.response.body", "body": b": stream-open\n\n", "more_body": True}
END: Message = {"type": "http.response.body", "body": b"", "more_body": False}


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
            subscription = await self._events.subscriptions.subscribe(session_id)
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
                shown=Shown(
                    progress=snapshot.shows_progress and caller.sees_workings, usage=caller.sees_workings
                ),
                pace=self._pace,
            )
            if await tail.is_over(snapshot.newest):
                return Response(status_code=204, headers={"cache-control": "no-store"})
            permit = self._open_tails.permit_for(caller, session_id)
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


class TailResponse(Response):
    """Sends what the tail gives, and ends when the tail does, the client goes, or does not read."""

    def __init__(
        self,
        tail: Tail,
        *,
        headers: Mapping[str, str] | None = None,
        send_seconds: float = SEND_SECONDS,
        permit: Permit | None = None,
    ) -> None:
        self.status_code = 200
        self.background = None
        self.raw_headers = [*HEADERS, *_encoded(headers or {})]
        self._tail = tail
        self._send_seconds = send_seconds
        # Given back when the response ends, however it ends.
        self._permit = permit or Permit()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        process_metrics.tails_open.inc()
        ending = "broken"
        disconnect = asyncio.get_running_loop().create_task(self._stop_at_disconnect(receive))
        try:
            with self._permit:
                await self._send_all(send)
            ending = self._tail.ending
        except TimeoutError:
            # A close would wait for a client that takes nothing. The client resumes where it was.
            log.info("tail_cut", reason="the client does not read")
            abort_connection(scope)
            ending = "slow"
        except OSError:
            # Some servers report in this way that the client has gone.
            log.debug("tail_client_gone")
            ending = "gone"
        finally:
            disconnect.cancel()
            self._tail.close()
            process_metrics.tails_open.dec()
            process_metrics.tails_closed.labels(ending).inc()

    async def _stop_at_disconnect(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._tail.stop()

    async def _send_all(self, send: Send) -> None:
        await self._send(send, {"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await self._send(send, STREAM_OPEN)
        async with aclosing(self._tail.pieces()) as pieces:
            async for piece in pieces:
                # The end goes with the last piece: one write, and one packet.
                more = not self._tail.is_ended
                await self._send(send, {"type": "http.response.body", "body": piece, "more_body": more})
        if not self._tail.is_ended:
            await self._send(send, END)

    async def _send(self, send: Send, message: Message) -> None:
        async with asyncio.timeout(self._send_seconds):
            await send(message)


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
