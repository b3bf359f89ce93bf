"""A turn as PostgreSQL has it: what a reader is given of it that the stream does not have."""

from collections.abc import Sequence
from typing import NamedTuple

from neo.events import REPLAY_CLAIM, Chunk, Entry, EventKind, Position, frame


class SettledSegment(NamedTuple):
    segment: int
    # Its last event as it was numbered when it was streamed; None where nobody streamed it.
    end: Position | None
    # At least one, so that a reader that has the segment is in it.
    chunks: Sequence[Chunk]


class Replay:
    """The settled segments of a turn and, once it has ended, its terminal: the same each time, and only ever longer."""

    def __init__(
        self,
        turn_no: int,
        segments: Sequence[SettledSegment],
        *,
        terminal: Chunk | None = None,
        terminal_at: Position | None = None,
    ) -> None:
        self._segments = segments
        self._terminal = terminal
        self._terminal_at = terminal_at
        self.entries: list[Entry] = []
        for segment in segments:
            for n, chunk in enumerate(segment.chunks, 1):
                self.entries.append(_entry(Position(turn_no, segment.segment, REPLAY_CLAIM, n), chunk))
        if terminal is not None:
            self.entries.append(_entry(self._terminal_replayed(turn_no), terminal))

    @property
    def end(self) -> Position | None:
        """Who is there has all of it."""
        return self.entries[-1].position if self.entries else None

    def lacking(self, at: Position) -> list[Entry] | None:
        """What follows a reader's position; None where the reader has something that does not count."""
        if at.is_before_segments:
            return self.entries if at.n == 0 else None
        if at.n > 0 and at.following == self._terminal_at and self._terminal is not None:
            return [_entry(at.following, self._terminal)]
        if at.is_replayed:
            return self._beyond(at) if any(entry.position == at for entry in self.entries) else None
        for segment, end, chunks in self._segments:
            if at == end:
                return self._beyond(at._replace(claim=REPLAY_CLAIM, n=len(chunks)))
            if at.following == end and chunks[-1].kind is EventKind.WAITING:
                beyond = self._beyond(Position(at.turn, segment, REPLAY_CLAIM, len(chunks)))
                return [_entry(end, chunks[-1]), *beyond]
        return None

    def _beyond(self, at: Position) -> list[Entry]:
        return [entry for entry in self.entries if entry.position > at]

    def _terminal_replayed(self, turn_no: int) -> Position:
        """In the turn's last segment if that is settled; alone if the turn ended before it was."""
        last = self.entries[-1].position if self.entries else None
        ended_in = self._terminal_at.segment if self._terminal_at is not None else None
        if last is not None and ended_in in {None, last.segment}:
            return last.following
        return Position(turn_no, ended_in or 1, REPLAY_CLAIM, 1)


def _entry(position: Position, chunk: Chunk) -> Entry:
    return Entry(position, chunk.kind, frame(position, chunk.encode()))
