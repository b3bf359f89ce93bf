"""Reads server-sent events from bytes as they arrive, as the WHATWG standard interprets a stream."""

import codecs
import re
from dataclasses import dataclass

END_OF_LINE = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Event:
    """One event. Its id is the last `id:` of the stream so far, in this event or before."""

    type: str
    data: str
    id: str


class EventParser:
    """One connection's parser. Events have the id to resume from until the stream sends another."""

    def __init__(self, last_id: str = "") -> None:
        # The first byte order mark is not part of the stream; what is not UTF-8 is replaced.
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._partial_line = ""
        self._ended_in_cr = False
        self._type = ""
        self._data: list[str] = []
        self._named_id = last_id
        self.last_id = last_id
        self.retry_seconds: float | None = None

    def feed(self, received: bytes) -> list[Event]:
        """The events that these bytes complete."""
        found = (self._take(line) for line in self._lines(self._decoder.decode(received)))
        return [event for event in found if event is not None]

    def _lines(self, text: str) -> list[str]:
        if not text:
            return []
        # A CR ends its line at once; an LF that follows it, even in the next bytes, belongs to the same end.
        fresh = text[1:] if self._ended_in_cr and text[0] == "\n" else text
        self._ended_in_cr = text[-1] == "\r"
        *lines, rest = END_OF_LINE.split(fresh)
        if not lines:
            self._partial_line += rest
            return []
        lines[0] = self._partial_line + lines[0]
        self._partial_line = rest
        return lines

    def _take(self, line: str) -> Event | None:
        if not line:
            return self._dispatch()
        field, _, value = line.partition(":")
        self._set(field, value.removeprefix(" "))
        return None

    def _set(self, field: str, value: str) -> None:
        # A comment has an empty field name, and unknown fields are ignored like it.
        if field == "data":
            self._data.append(value)
        elif field == "event":
            self._type = value
        elif field == "id" and "\0" not in value:
            self._named_id = value
        elif field == "retry" and value.isascii() and value.isdigit():
            self.retry_seconds = int(value) / 1000

    def _dispatch(self) -> Event | None:
        data, self._data = self._data, []
        kind, self._type = self._type, ""
        self.last_id = self._named_id
        # An event whose data is one empty line is dispatched; one without any data line is not.
        if not data:
            return None
        return Event(kind or "message", "\n".join(data), self.last_id)
