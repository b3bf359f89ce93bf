"""A conversation over the public API, shown on a screen."""

from typing import Any

from neo.cli.chat.calls import Calls, one_line_of
from neo.cli.chat.public_api import PublicApi
from neo.cli.chat.screen import Screen
from neo.cli.chat.tail import Chunk, Tail
from neo.errors import Failure

# Enough messages to remember what the conversation was about.
MESSAGES_SHOWN = 6
STARTS_OVER = frozenset({"start", "data-stream-reset"})
PART_ENDS = frozenset({"text-end", "reasoning-end", "finish-step"})
# The `finishReason` of an answer that the model ended by itself.
ENDED_BY_ITSELF = frozenset({"stop", "tool-calls"})


class Conversation:
    def __init__(self, api: PublicApi, screen: Screen, session_id: str | None, *, tier: str) -> None:
        self._api = api
        self._screen = screen
        self._tier = tier
        self._calls = Calls(screen)
        self.session_id = session_id

    def show_last(self) -> None:
        """The last messages of a session that is resumed."""
        if self.session_id is not None:
            for message in self._api.newest_messages(self.session_id, MESSAGES_SHOWN):
                self._screen.said(message["role"], _text_of(message))

    def catch_up(self) -> bool:
        """Follow every turn that is open from its start; false when there was none."""
        session_id, seen = self.session_id, set[str]()
        while session_id is not None:
            turn = self._api.session(session_id)["open_turn"]
            if turn is None or turn["chat_turn_id"] in seen:
                break
            seen.add(turn["chat_turn_id"])
            self._follow(Tail(self._api, session_id, turn["since_cursor"]))
        return bool(seen)

    def say(self, text: str) -> bool:
        """Post a message and show its answer; true when the answer is whole."""
        if self.session_id is None:
            self.session_id = self._api.open_session()
        posted = self._api.post(self.session_id, text, tier=self._tier)
        return self._follow(Tail(self._api, self.session_id, posted.since_cursor))

    def _follow(self, tail: Tail) -> bool:
        self._calls.clear()
        is_whole = False
        self._screen.open()
        try:
            for chunk in tail:
                self._show(chunk, tail.request_id)
                is_whole = chunk["type"] == "finish"
            if is_whole:
                self._screen.finish()
        finally:
            self._screen.close()
        return is_whole

    def _show(self, chunk: Chunk, request_id: str) -> None:
        kind = chunk["type"]
        if kind == "text-delta":
            self._screen.text(chunk["delta"])
        elif kind == "reasoning-delta":
            self._screen.reasoning(chunk["delta"])
        elif kind in PART_ENDS:
            self._screen.end_part()
        elif kind == "start-step":
            self._screen.begin_step()
        elif kind in STARTS_OVER:
            self._screen.start_over()
        elif kind == "data-turn-restarted":
            self._screen.start_over(chunk["data"]["step"])
        elif kind == "data-turn-waiting":
            self._calls.show_waiting(chunk["data"])
        elif kind.startswith("tool-"):
            self._calls.show(chunk)
        else:
            self._show_end(chunk, request_id)

    def _show_end(self, chunk: Chunk, request_id: str) -> None:
        if chunk["type"] == "error":
            named = f" (request {request_id})" if request_id else ""
            self._screen.problem(one_line_of(chunk["errorText"]) + named)
        elif chunk["type"] == "abort":
            self._screen.problem(
                f"The turn was stopped: {one_line_of(chunk.get('reason') or 'no reason given')}."
            )
        elif chunk["type"] == "finish" and chunk.get("finishReason", "stop") not in ENDED_BY_ITSELF:
            self._screen.note(f"The answer ended early: {chunk['finishReason']}.")


def one_line(failure: Failure) -> str:
    return one_line_of(failure.message)


def _text_of(message: dict[str, Any]) -> str:
    return "\n\n".join(part["text"] for part in message["parts"] if part["type"] == "text")
