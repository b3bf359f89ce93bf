"""Cuts the body of a stream into the data of its server-sent events."""

# The final event repeats the whole answer, in escapes of six bytes a character at worst, and what was reasoned.
EVENT_BYTES_MAX = 16 * 1024 * 1024


class EventTooLongError(Exception):
    """The provider has lost its way: no event is that long."""


class EventData:
    """Takes bytes as they arrive, split anywhere, and gives the data of each event that has come to its end.

    The names of events are passed over: whatever Neo reads says in its data what it is.
    """

    def __init__(self) -> None:
        self._line = bytearray()
        self._data: list[bytes] = []
        self._data_bytes = 0
        self._has_carriage_return = False

    def feed(self, chunk: bytes) -> list[bytes]:
        self._line += self._with_plain_ends(chunk)
        if b"\n" not in chunk and b"\r" not in chunk:
            self._check_length()
            return []
        *lines, rest = bytes(self._line).split(b"\n")
        self._line = bytearray(rest)
        found = [data for line in lines if (data := self._end_line(line))]
        self._check_length()
        return found

    def _with_plain_ends(self, chunk: bytes) -> bytes:
        """The chunk with every line end as a line feed."""
        if self._has_carriage_return and chunk:
            self._has_carriage_return = False
            # The other half of a line end, the first of which has ended the line already.
            chunk = chunk.removeprefix(b"\n")
        if b"\r" in chunk:
            self._has_carriage_return = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return chunk

    def _end_line(self, line: bytes) -> bytes | None:
        """The event's data, when this line ends it."""
        if not line:
            data, self._data, self._data_bytes = self._data, [], 0
            return data[0] if len(data) == 1 else b"\n".join(data)
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
            self._data_bytes += len(line)
        return None

    def _check_length(self) -> None:
        if len(self._line) + self._data_bytes > EVENT_BYTES_MAX:
            raise EventTooLongError
