"""Follows one turn over as many connections as it takes."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from neo.cli.chat.public_api import STREAM_TYPE, NotNeo, PublicApi, Refused, ServerNotReached
from neo.cli.chat.retry import Retry
from neo.cli.chat.sse import EventParser

if TYPE_CHECKING:
    import httpx2

Chunk = dict[str, Any]

NOTHING_TO_COME = 204
DONE = "[DONE]"
TERMINAL = frozenset({"finish", "error", "abort"})
WAITING = "data-turn-waiting"
# The longest pause before the next connection that a server's `retry:` may ask for.
PAUSE_SECONDS_MAX = 10.0


class Tail:
    """Yields a turn's chunks after a cursor, each once, up to the one that ends the turn."""

    def __init__(self, api: PublicApi, session_id: str, since_cursor: str | None) -> None:
        self._api = api
        self._session_id = session_id
        self._last_id = since_cursor
        self._pause_seconds = 0.0
        self._is_over = self._is_waiting = False
        self.request_id = ""

    def __iter__(self) -> Iterator[Chunk]:
        retry = self._api.retry()
        while not self._is_over:
            try:
                yield from self._connection(retry)
            except ServerNotReached as trouble:
                retry.wait(trouble)
            except Refused as trouble:
                if not trouble.may_pass:
                    raise
                retry.wait(trouble)
            else:
                self._pause(retry)

    def _connection(self, retry: Retry) -> Iterator[Chunk]:
        with self._api.events(self._session_id, self._last_id) as response:
            self.request_id = response.headers.get("x-request-id", "")
            self._is_over = response.status_code == NOTHING_TO_COME
            if self._is_over:
                return
            if not response.headers.get("content-type", "").startswith(STREAM_TYPE):
                raise NotNeo(
                    "What answers is not an event stream: something stands before the server. Check --url."
                )
            yield from self._chunks(response, retry)

    def _chunks(self, response: "httpx2.Response", retry: Retry) -> Iterator[Chunk]:
        parser = EventParser(self._last_id or "")
        for received in response.iter_bytes():
            retry.answered()
            for event in parser.feed(received):
                if event.data == DONE:
                    # A turn that waits ends its response, and goes on in a later one.
                    self._is_over = not self._is_waiting
                    self._pause_seconds = _asked_pause(parser)
                    return
                chunk: Chunk = json.loads(event.data)
                # The cursor moves on only after the caller has taken the chunk.
                yield chunk
                self._last_id = event.id or self._last_id
                self._is_waiting = chunk["type"] == WAITING
                self._is_over = chunk["type"] in TERMINAL
                if self._is_over:
                    return
                retry.reset()
            self._pause_seconds = _asked_pause(parser)

    def _pause(self, retry: Retry) -> None:
        """Wait between a connection that ended in order and the next."""
        if not self._is_over:
            trouble = ServerNotReached("The server ends every tail at once: look into its log.")
            retry.wait(trouble, least_seconds=self._pause_seconds)


def _asked_pause(parser: EventParser) -> float:
    return min(parser.retry_seconds or 0.0, PAUSE_SECONDS_MAX)
