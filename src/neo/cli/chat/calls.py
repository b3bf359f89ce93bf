"""A turn's calls of tools on a screen, a line for each and a line for its outcome."""

import json
from collections.abc import Iterable
from typing import Any

from neo.cli.chat.screen import Screen
from neo.cli.chat.tail import Chunk

# Of arguments and outputs so much is shown: a line or two of a terminal.
SHOWN_MAX = 160


class Calls:
    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._names: dict[str, str] = {}
        self._shown: set[tuple[str, str]] = set()

    def clear(self) -> None:
        self._names.clear()
        self._shown.clear()

    def show(self, chunk: Chunk) -> None:
        kind, call_id = chunk["type"], chunk.get("toolCallId", "")
        name = self._names[call_id] = chunk.get("toolName") or self._names.get(call_id, "tool")
        # After a crash what was said of a call is said again.
        if (call_id, kind) in self._shown:
            return
        self._shown.add((call_id, kind))
        if "errorText" in chunk:
            self._screen.problem(f"{name}: {one_line_of(chunk['errorText'])}")
        elif kind == "tool-input-available":
            self._screen.note(f"Calls {name} {_short(chunk.get('input'))}")
        elif kind == "tool-output-available":
            self._screen.note(f"{name}: {_short(chunk.get('output'))}")
        elif kind == "tool-output-denied":
            self._screen.problem(f"{name}: rejected")

    def show_waiting(self, data: dict[str, Any]) -> None:
        """What the turn waits for, and how it goes on."""
        names = self._named(data.get("calls", ()))
        if data.get("waiting_for") == "APPROVAL":
            until = f" until {data['until']}" if data.get("until") else ""
            self._screen.note(f"The turn waits{until} for a decision: {names}.")
        else:
            self._screen.note(f"The turn waits for a call to end: {names}.")
        self._screen.note("The answer goes on here then. Ctrl-C leaves, and the turn goes on waiting.")

    def _named(self, call_ids: Iterable[str]) -> str:
        return ", ".join(f"{self._names.get(call_id, 'tool')} ({call_id})" for call_id in call_ids)


def one_line_of(text: str) -> str:
    return " ".join(text.split())


def _short(value: Any) -> str:
    text = one_line_of(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    return text if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX]}..."
