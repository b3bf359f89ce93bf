"""A conversation on a terminal.

Settled Markdown blocks are printed for good, above a live region that holds only the last, growing block, cut
to the screen's height. So nothing is ever printed twice, however long the answer.
"""

import threading
import time
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.segment import SegmentLines
from rich.spinner import Spinner
from rich.text import Text

from neo.cli.chat.markdown import MarkdownPages, without_controls

PAINT_SECONDS = 0.08
# Rendering takes at most this share of a processor: a long block is rendered less often.
PAINT_SHARE = 0.25
# Lines kept free: one for the cursor below the growing block, a blank one above it.
SPARE_LINES = 2
TEXT, REASONING = "none", "dim italic"


class Terminal:
    def __init__(self, out: TextIO) -> None:
        self._console = Console(file=out, highlight=False)
        self._pages = MarkdownPages()
        self._spinner = Spinner("dots", style="dim")
        # Guards the state that the rendering thread and the stream's reader share.
        self._lock = threading.RLock()
        self._live: Live | None = None
        self._painter: threading.Thread | None = None
        self._is_closing = threading.Event()
        self._growing = ""
        self._style = TEXT
        self._has_blocks = False
        # Something of the newest step was shown.
        self._has_step = False
        self._is_dirty = True

    def open(self) -> None:
        self._forget()
        self._is_closing.clear()
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._live.start()
        self._painter = threading.Thread(target=self._keep_painting, daemon=True)
        self._painter.start()

    def text(self, delta: str) -> None:
        self._grow(delta, TEXT)

    def reasoning(self, delta: str) -> None:
        self._grow(delta, REASONING)

    def end_part(self) -> None:
        with self._lock:
            self._settle(self._growing, "")
            self._paint()

    def begin_step(self) -> None:
        self._has_step = False

    def start_over(self, step: int = 1) -> None:
        with self._lock:
            was_shown = self._has_step if step > 1 else self._has_blocks or bool(self._growing)
            self._forget()
            if was_shown:
                what = "the answer" if step == 1 else "its last step"
                self.note(f"— What is above does not count: {what} starts over. —")

    def finish(self) -> None:
        self.end_part()

    def close(self) -> None:
        """Stop rendering; what has come so far stays on the screen."""
        self._is_closing.set()
        if self._painter is not None:
            self._painter.join()
        self.end_part()
        if self._live is not None:
            self._live.stop()
        self._live = self._painter = None

    def note(self, line: str) -> None:
        self._print(Text(without_controls(line), style="dim"))

    def problem(self, line: str) -> None:
        self._print(Text(without_controls(line), style="red"))

    def said(self, role: str, text: str) -> None:
        if role == "user":
            self._print(Text(f"> {without_controls(text)}", style="bold"))
        else:
            self._console.print(self._pages.render(without_controls(text), TEXT))

    def _forget(self) -> None:
        self._growing = ""
        self._style = TEXT
        self._has_blocks = self._has_step = False
        self._is_dirty = True

    def _grow(self, delta: str, style: str) -> None:
        with self._lock:
            if style != self._style:
                self.end_part()
                self._style = style
            self._growing += without_controls(delta)
            self._has_step = True
            self._is_dirty = True

    def _keep_painting(self) -> None:
        wait_seconds = PAINT_SECONDS
        while not self._is_closing.wait(wait_seconds):
            began = time.monotonic()
            with self._lock:
                if self._is_dirty or not self._has_blocks:
                    self._settle(*self._pages.split(self._growing))
                    self._paint()
            wait_seconds = max(PAINT_SECONDS, (time.monotonic() - began) / PAINT_SHARE)

    def _settle(self, text: str, rest: str) -> None:
        """Print this block for good, and render the rest below it."""
        self._growing = rest
        if not text.strip():
            return
        block = self._block(text)
        is_first, self._has_blocks = not self._has_blocks, True
        if self._live is not None:
            # Printing renders the live region anew, so it must no longer contain this text.
            self._live.update(self._growing_block())
        self._console.print(block if is_first else Group(Text(""), block))

    def _paint(self) -> None:
        self._is_dirty = False
        if self._live is not None:
            self._live.update(self._growing_block(), refresh=True)

    def _growing_block(self) -> RenderableType:
        if not self._growing.strip():
            return Text("") if self._has_blocks else self._spinner
        room = max(1, self._console.height - SPARE_LINES)
        block = self._block(self._growing, newest_lines=room)
        return Group(Text(""), block) if self._has_blocks else block

    def _block(self, text: str, *, newest_lines: int = 0) -> SegmentLines:
        """The rendered lines, or only the newest of them, without the blank lines that Rich puts around a block."""
        lines = self._console.render_lines(self._pages.render(text, self._style), pad=False)
        full = [number for number, line in enumerate(lines) if any(part.text.strip() for part in line)]
        lines = lines[full[0] : full[-1] + 1] if full else []
        return SegmentLines(lines[-newest_lines:], new_lines=True)

    def _print(self, what: RenderableType) -> None:
        with self._lock:
            # The terminal wraps long lines itself, so that what is to be typed can be copied whole.
            self._console.print(what, soft_wrap=True)
