"""A session that was given no title is called by its first line."""

import pytest

from neo.sessions import title_of


@pytest.mark.parametrize(
    ("message", "title"),
    [
        ("Reset my password", "Reset my password"),
        ("  \n Printer \n is on fire", "Printer"),
        ("x" * 60, "x" * 60),
        ("x" * 61, "x" * 59 + "…"),
        # No blank before the dots.
        ("x" * 58 + " yz", "x" * 58 + "…"),
        ("", None),
        (" \n ", None),
        ("\x1b[31mRed\x07", "[31mRed"),
        ("\u202eevil\u202c", "evil"),
        ("\x00\u2066\nSecond", "Second"),
    ],
)
def test_a_title(message: str, title: str | None) -> None:
    assert title_of(message) == title
