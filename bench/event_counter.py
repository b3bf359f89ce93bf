"""Counts what is told in a stream of events: characters of text, because deltas merge and events do not tell."""

import re
from dataclasses import dataclass, field
from time import perf_counter

# After one of these the turn is told from its start, and what came before does not count.
AGAIN = re.compile(rb'"type":"data-(?:turn-restarted|stream-reset)"')
FAILED = re.compile(rb'"type":"error","errorText":"(\w+)')


@dataclass(slots=True)
class EventCounter:
    """`text` finds the text of one event; what it finds is counted as it is on the wire."""

    text: re.Pattern[bytes]
    characters: int = 0
    events: int = 0
    again: int = 0
    # Why the turn failed, if it did.
    failure: str = ""
    # When text came, and how many characters had come by then.
    moments: list[tuple[float, int]] = field(default_factory=list)
    _rest: bytes = b""

    def receive(self, data: bytes) -> None:
        lines, newline, self._rest = (self._rest + data).rpartition(b"\n")
        if not newline:
            return
        self.events += lines.count(b"id: ")
        for beginning in AGAIN.finditer(lines):
            self.again += 1
            self.characters, lines = 0, lines[beginning.end() :]
        if failed := FAILED.search(lines):
            self.failure = failed[1].decode()
        found = sum(map(len, self.text.findall(lines)))
        if found:
            self.characters += found
            self.moments.append((perf_counter(), self.characters))


@dataclass(slots=True)
class Turn:
    """One turn as its user saw it, in milliseconds from the post."""

    begun: float
    accept_ms: float
    end_ms: float
    counter: EventCounter

    @property
    def first_ms(self) -> float:
        return (self.counter.moments[0][0] - self.begun) * 1000 if self.counter.moments else self.end_ms


def characters_of(tokens: int) -> int:
    """How many characters the scripted model's `w1 w2 ... ` have."""
    return sum(len(f"w{number} ") for number in range(1, tokens + 1))


def lateness_ms(turn: Turn, tokens: int, delay_ms: float) -> list[float]:
    """How long after its time each token came; the first is due with the post, each next one a delay later."""
    late: list[float] = []
    reached, number = 0, 0
    for moment, characters in turn.counter.moments:
        spent = (moment - turn.begun) * 1000
        while number < tokens and reached < characters:
            number += 1
            reached += len(f"w{number} ")
            late.append(spent - (number - 1) * delay_ms)
    return late
