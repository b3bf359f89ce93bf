"""Where a conversation is shown: the `Screen` protocol, and its form for a pipe. `terminal.py` has the terminal's."""

import sys
from typing import Protocol, TextIO

from neo.cli.chat.markdown import without_controls


class Screen(Protocol):
    """Between `open` and `close` one answer is shown; `finish` marks it as complete."""

    def open(self) -> None: ...

    def text(self, delta: str) -> None: ...

    def reasoning(self, delta: str) -> None: ...

    def end_part(self) -> None: ...

    def begin_step(self) -> None: ...

    def start_over(self, step: int = 1) -> None:
        """Discard what was shown of this answer from this step on, counted from 1: it is streamed again."""

    def finish(self) -> None: ...

    def close(self) -> None: ...

    def note(self, line: str) -> None:
        """Show a line that is not part of the conversation."""

    def problem(self, line: str) -> None: ...

    def said(self, role: str, text: str) -> None:
        """Show an earlier message."""


class Pipe:
    """Plain text. Output to a pipe cannot be undone, so an answer is written when it is complete."""

    def __init__(self, out: TextIO, notes: TextIO) -> None:
        self._out = out
        self._notes = notes
        self._parts: list[str] = []
        # How many parts there were where each step began.
        self._steps: list[int] = []

    def open(self) -> None:
        self.start_over()

    def text(self, delta: str) -> None:
        self._parts.append(delta)

    def reasoning(self, delta: str) -> None:
        """Not part of the answer."""

    def end_part(self) -> None:
        if self._parts and self._parts[-1] != "\n":
            self._parts.append("\n")

    def begin_step(self) -> None:
        self._steps.append(len(self._parts))

    def start_over(self, step: int = 1) -> None:
        begins = self._steps[step - 1 : step] if step > 1 else [0]
        for begin in begins:
            del self._parts[begin:]
        del self._steps[step - 1 :]

    def finish(self) -> None:
        self.end_part()
        self._write(self._out, "".join(self._parts))

    def close(self) -> None:
        self.start_over()

    def note(self, line: str) -> None:
        self._write(self._notes, f"{line}\n")

    def problem(self, line: str) -> None:
        self._write(self._notes, f"neo: {line}\n")

    def said(self, role: str, text: str) -> None:
        self._write(self._out, f"{role}: {text}\n")

    @staticmethod
    def _write(out: TextIO, text: str) -> None:
        out.write(without_controls(text))
        out.flush()


def screen_for(out: TextIO) -> Screen:
    if out.isatty():
        from neo.cli.chat.terminal import Terminal  # noqa: PLC0415 - a pipe needs no Rich.

        return Terminal(out)
    return Pipe(out, sys.stderr)
