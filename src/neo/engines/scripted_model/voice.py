"""What the three dialects have in common: each writes one reply as bytes, piece by piece."""

from typing import Any, Protocol

import orjson

from neo.engines.scripted_model.reply import Reply

# Broken in the middle of a text; the name is the one that Anthropic's library reads at all.
GARBAGE = b'event: content_block_delta\ndata: {"type": "content_block_delta", "del\n\n'


class Voice(Protocol):
    """Writes one reply as server-sent events. Pieces come in the order of the methods."""

    def opening(self) -> bytes: ...
    def reasoning(self, word: str) -> bytes: ...
    def word(self, word: str) -> bytes: ...
    def closing(self) -> bytes: ...
    def error(self, code: str | None) -> bytes: ...
    def failed(self, code: str | None) -> bytes: ...


class Dialect(Protocol):
    """How one provider's API looks from outside."""

    name: str

    def voice(self, reply: Reply) -> Voice: ...
    def whole(self, reply: Reply) -> dict[str, Any]: ...
    def refusal(self, status: int, code: str | None, message: str) -> dict[str, Any]: ...


def event(data: dict[str, Any]) -> bytes:
    """One event named by its own type."""
    return b"event: %b\ndata: %b\n\n" % (data["type"].encode(), orjson.dumps(data))
