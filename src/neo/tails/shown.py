"""What one reader is shown of a session's events."""

from dataclasses import dataclass

import orjson

from neo.events import Entry, EventKind, frame


@dataclass(frozen=True, slots=True)
class Shown:
    """Decided once a tail. What is hidden moves its reader on, all the same."""

    progress: bool = True
    """Reasoning, and calls of tools."""
    usage: bool = True
    """Model, tokens, times and cost, which a turn's terminal says."""

    def frame(self, entry: Entry) -> bytes | None:
        if entry.kind is EventKind.PROGRESS and not self.progress:
            return None
        if entry.kind is EventKind.TERMINAL and not self.usage:
            return _without_metadata(entry)
        return entry.frame


SHOWN_WHOLE = Shown()


def _without_metadata(entry: Entry) -> bytes:
    # Frames are shared by all readers, so this one reader's is made of it. A turn has one terminal.
    chunk = orjson.loads(entry.frame.partition(b"\ndata: ")[2])
    chunk.pop("messageMetadata", None)
    return frame(entry.position, orjson.dumps(chunk))
