import pytest

from neo.events import InvalidCursor, Position, parse_cursor, since_cursor


def test_a_position_and_its_id_are_the_same() -> None:
    position = Position(turn=7, segment=5, claim=3, n=12)

    assert str(position) == f"{7 * 65536 + 5 * 64 + 3}-12"
    assert parse_cursor(str(position)) == position


def test_a_turns_cursor_comes_before_all_of_it_and_after_the_turn_before() -> None:
    cursor = parse_cursor(since_cursor(2))

    assert cursor is not None
    assert Position(1, 1023, 63, 10**12 - 1) < cursor < Position(2, 1, 1, 1)


@pytest.mark.parametrize("text", ["0-0", "0-12", "1-0", "65535-999999999999"])
def test_a_cursor_before_the_first_turn_is_the_beginning(text: str) -> None:
    assert parse_cursor(text) is None


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "$",
            "-",
            "+",
            "(1-0",
            "1",
            "1-",
            "-1",
            "--1-0",
            "1-0-0",
            " 1-0",
            "1-0 ",
            "1-0\n",
            "1-0\r\n",
        ),
        *(
            "0x1-0",
            "1e3-0",
            "1.0-0",
            "１-0",
            "1-٣",
            "a-b",
            "null",
            "18446744073709551616-0",
            "1-1000000000000",
        ),
        *("1" * 16 + "-0", "9" * 1_000_000 + "-0", "1-0,2-0", "é-0", "\x00", "*", ">"),
    ],
)
def test_h2_anything_else_is_malformed(text: str) -> None:
    with pytest.raises(InvalidCursor):
        parse_cursor(text)
