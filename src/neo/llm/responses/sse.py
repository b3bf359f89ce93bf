"""Splits the body of a stream into the data of its server-sent events."""

# The final event repeats the whole answer and its reasoning, in escapes of up to six bytes a character.
EVENT_BYTES_MAX = 16 * 1024 * 1024


class EventTooLongError(Exception):
    """No event is that long: the provider is broken."""


class EventDecoder:
    """Takes the bytes as they arrive, cut anywhere, and returns the data of each event that is complete.

    The names of events are ignored: each event that Neo reads names its type in its data too.
    """

    def __init__(self) -> None:
        self._line = bytearray()
        self._data: list[bytes] = []
        self._data_bytes = 0
        self._ended_with_carriage_return = False

    def feed(self, chunk: bytes) -> list[bytes]:
        self._line += self._with_line_feeds(chunk)
        if b"\n" not in chunk and b"\r" not in chunk:
            self._check_length()
            return []
        *lines, rest = bytes(self._line).split(b"\n")
        self._line = bytearray(rest)
        found = [data for line in lines if (data := self._end_line(line))]
        self._check_length()
        return found

    def _with_line_feeds(self, chunk: bytes) -> bytes:
        """The chunk with a line feed for every line end."""
        if self._ended_with_carriage_return and chunk:
            self._ended_with_carriage_return = False
            # The second half of a line end whose first half came with the chunk before.
            chunk = chunk.removeprefix(b"\n")
        if b"\r" in chunk:
            self._ended_with_carriage_return = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return chunk

    def _end_line(self, line: bytes) -> bytes | None:
        """The event's data, if this line ends the event."""
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
