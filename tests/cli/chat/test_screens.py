"""One answer, shown to a pipe and to a terminal."""

import io

import pytest

from neo.cli.chat.screen import Pipe, screen_for
from neo.cli.chat.terminal import Terminal


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def pipe(out: io.StringIO) -> Pipe:
    return Pipe(out, io.StringIO())


def test_a_pipe_gets_the_answer_and_nothing_else(pipe: Pipe, out: io.StringIO) -> None:
    pipe.open()
    pipe.reasoning("hm")
    pipe.end_part()
    pipe.text("**wo")
    pipe.text("rd**\x1b[31m")
    pipe.end_part()
    assert out.getvalue() == ""

    pipe.finish()
    pipe.close()

    assert out.getvalue() == "**word**[31m\n"


def test_a_pipe_never_gets_what_was_taken_back(pipe: Pipe, out: io.StringIO) -> None:
    pipe.open()
    pipe.text("lost")
    pipe.start_over()
    pipe.text("kept")
    pipe.finish()
    pipe.close()

    assert out.getvalue() == "kept\n"


def test_a_pipe_keeps_the_steps_before_the_one_that_starts_over(pipe: Pipe, out: io.StringIO) -> None:
    pipe.open()
    pipe.begin_step()
    pipe.text("kept, ")
    pipe.begin_step()
    pipe.text("lost")
    pipe.start_over(2)
    pipe.begin_step()
    pipe.text("and new")
    pipe.finish()

    assert out.getvalue() == "kept, and new\n"


def test_a_pipe_gets_no_half_answer(pipe: Pipe, out: io.StringIO) -> None:
    pipe.open()
    pipe.text("half")
    pipe.close()

    assert out.getvalue() == ""


def test_a_terminal_prints_settled_blocks_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    out = Tty()
    terminal = screen_for(out)
    assert isinstance(terminal, Terminal)

    terminal.open()
    terminal.text("first block\n\nsecond block")
    terminal.end_part()
    terminal.close()

    shown = out.getvalue()
    assert shown.index("first block") < shown.index("second block")
    # After the live region was wiped for the last time, nothing of it is left below the block.
    assert "block" not in shown.rpartition("second block")[2]


def test_a_terminal_says_that_an_answer_starts_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    out = Tty()
    terminal = Terminal(out)

    terminal.open()
    terminal.start_over()
    assert "starts over" not in out.getvalue()
    terminal.text("lost")
    terminal.end_part()
    terminal.start_over()
    terminal.close()

    assert "starts over" in out.getvalue()


def test_a_terminal_says_that_a_step_starts_over_if_any_of_it_was_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    out = Tty()
    terminal = Terminal(out)

    terminal.open()
    terminal.begin_step()
    terminal.text("kept")
    terminal.end_part()
    terminal.begin_step()
    terminal.start_over(2)
    assert "starts over" not in out.getvalue()
    terminal.begin_step()
    terminal.text("lost")
    terminal.start_over(2)
    terminal.close()

    assert "its last step starts over" in out.getvalue()
