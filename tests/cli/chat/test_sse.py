import pytest

from neo.cli.chat.sse import Event, EventParser


def parse(stream: bytes, *, piece_bytes: int = 1_000_000) -> list[Event]:
    parser = EventParser()
    pieces = (stream[at : at + piece_bytes] for at in range(0, len(stream), piece_bytes))
    return [event for piece in pieces for event in parser.feed(piece)]


def data_of(stream: bytes) -> list[str]:
    return [event.data for event in parse(stream)]


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_every_end_of_line_ends_a_line(end: bytes) -> None:
    assert data_of(end.join([b"data: one", b"data: two", b"", b"data: three", b"", b""])) == [
        "one\ntwo",
        "three",
    ]


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"data\n\ndata\ndata\n\ndata:", ["", "\n"]),
        (b"data:test\n\ndata: test\n\ndata:  test\n\n", ["test", "test", " test"]),
        (b":data: no\n: keep-alive\n\nevent: ping\n\n", []),
        (b"data: unfinished", []),
        (b"data: unfinished\n", []),
        (b"\xef\xbb\xbfdata: marked\n\n", ["marked"]),
        (b"data: x\n\n\xef\xbb\xbfdata: twice marked\n\n", ["x"]),
        (b"data: \xff\n\n", ["\ufffd"]),
        (b"data: a:b\nunknown: x\nData: no\n data: no\n\n", ["a:b"]),
        ("data: a\u2028b\x0bc\x85d\n\n".encode(), ["a\u2028b\x0bc\x85d"]),
        (b"data: a\0b\n\n", ["a\0b"]),
    ],
)
def test_the_stream_is_read_as_the_standard_says(stream: bytes, expected: list[str]) -> None:
    assert data_of(stream) == expected


@pytest.mark.parametrize("piece_bytes", [1, 2, 3, 7])
def test_pieces_of_any_size_make_the_same_events(piece_bytes: int) -> None:
    stream = (
        "\ufeffid: 1-1\r\ndata: grüße 🙂\rdata:\r\n\r\nid: 1-2\n\ndata: x\r\revent: e\ndata: y\n\n".encode()
    )

    assert parse(stream, piece_bytes=piece_bytes) == parse(stream)
    assert [event.data for event in parse(stream)] == ["grüße 🙂\n", "x", "y"]


def test_a_carriage_return_completes_an_event_without_waiting_for_more() -> None:
    parser = EventParser()

    assert [event.data for event in parser.feed(b"data: now\r\r")] == ["now"]
    assert parser.feed(b"\n") == []
    assert [event.data for event in parser.feed(b"data: next\n\n")] == ["next"]


def test_an_id_stays_until_the_stream_names_another() -> None:
    events = parse(b"id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\nid: 2\ndata: d\n\n")

    assert [event.id for event in events] == ["1", "1", "", "2"]


def test_an_id_with_a_nul_is_ignored() -> None:
    assert [event.id for event in parse(b"id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n")] == ["1", "1"]


def test_an_id_counts_once_its_event_is_complete() -> None:
    parser = EventParser(last_id="0")
    parser.feed(b"id: 1\n")
    assert parser.last_id == "0"

    parser.feed(b"\n")
    assert parser.last_id == "1"


def test_a_type_is_of_one_event_only() -> None:
    events = parse(b"event: ping\ndata: a\n\ndata: b\n\nevent: lost\n\ndata: c\n\n")

    assert [event.type for event in events] == ["ping", "message", "message"]


@pytest.mark.parametrize(
    ("line", "seconds"),
    [
        (b"retry: 1500", 1.5),
        (b"retry:0", 0.0),
        (b"retry: 1.5", None),
        (b"retry: -1", None),
        ("retry: ٣".encode(), None),
    ],
)
def test_only_digits_set_the_time_before_a_retry(line: bytes, seconds: float | None) -> None:
    parser = EventParser()
    parser.feed(line + b"\n")

    assert parser.retry_seconds == seconds
