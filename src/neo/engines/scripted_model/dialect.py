"""What the three dialects have in common: each writes one reply as bytes, word by word."""

from typing import Any, Protocol

import orjson

from neo.engines.scripted_model.reply import Reply

# Its JSON breaks off.
MALFORMED_EVENT = b'event: content_block_delta\ndata: {"type": "content_block_delta", "del\n\n'


class EventWriter(Protocol):
    """Writes one reply as server-sent events, which are sent in the order of these methods."""

    def start(self) -> bytes: ...
    def reasoning(self, word: str) -> bytes: ...
    def word(self, word: str) -> bytes: ...
    def end(self) -> bytes: ...
    def error(self, code: str | None) -> bytes: ...
    def failed(self, code: str | None) -> bytes: ...


class Dialect(Protocol):
    """One provider's API, as its clients see it."""

    name: str

    def writer(self, reply: Reply) -> EventWriter: ...
    def body(self, reply: Reply) -> dict[str, Any]: ...
    def error_body(self, status: int, code: str | None, message: str) -> dict[str, Any]: ...


def event(data: dict[str, Any]) -> bytes:
    """One event named by its own type."""
    return b"event: %b\ndata: %b\n\n" % (data["type"].encode(), orjson.dumps(data))
