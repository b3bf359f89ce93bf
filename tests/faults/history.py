"""What clients did and saw, written down for the checker: every request, every answer, every event."""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

TERMINALS = ("finish", "error", "abort")


@dataclass(frozen=True)
class Answered:
    """One request and its answer; `status` is 0 when the connection broke before there was one."""

    method: str
    path: str
    sent_at: float
    answered_at: float
    status: int
    body: dict[str, Any] = field(default_factory=dict)
    request_id: str | None = None

    @property
    def code(self) -> str | None:
        error = self.body.get("error")
        return error.get("code") if isinstance(error, dict) else None

    @property
    def data(self) -> dict[str, Any]:
        return dict(self.body.get("data") or {})

    @property
    def details(self) -> dict[str, Any]:
        return dict(self.body["error"].get("details") or {})


@dataclass(frozen=True)
class Posted:
    """One attempt to post a message."""

    session_id: str
    client_message_id: str | None
    message: str
    answered: Answered

    @property
    def turn_id(self) -> str | None:
        """The turn that this message has, as far as its sender was told."""
        answered = self.answered
        if answered.status == 202:
            return str(answered.data["chat_turn_id"])
        return str(answered.details["chat_turn_id"]) if answered.status == 409 and self.is_repeat else None

    @property
    def since(self) -> str:
        """The cursor from which its turn is read."""
        answered = self.answered
        return str(answered.data.get("since_cursor") or answered.details["since_cursor"])

    @property
    def is_repeat(self) -> bool:
        return self.answered.code in ("duplicate_client_message_id", "client_message_id_reused")


@dataclass(frozen=True)
class Seen:
    """One event. `id` is None where it leaves the reader's cursor alone."""

    at: float
    id: str | None
    chunk: dict[str, Any]

    @property
    def type(self) -> str:
        return str(self.chunk["type"])


@dataclass
class Reading:
    """What one reader saw from its first cursor on, over all of its connections."""

    session_id: str
    since: str | None
    follow: bool = False
    seen: list[Seen] = field(default_factory=list)
    # How each of its connections ended: done, retry, over (204), cut, refused.
    ends: list[str] = field(default_factory=list)

    @property
    def types(self) -> list[str]:
        return [event.type for event in self.seen]

    @property
    def terminals(self) -> list[str]:
        return [kind for kind in self.types if kind in TERMINALS]

    @property
    def gap_seconds(self) -> float:
        """The longest silence between two of its events."""
        return max(after.at - before.at for before, after in pairwise(self.seen))

    @property
    def last_id(self) -> str | None:
        return next((event.id for event in reversed(self.seen) if event.id is not None), None)


@dataclass
class History:
    answers: list[Answered] = field(default_factory=list)
    posts: list[Posted] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)

    @property
    def accepted(self) -> list[Posted]:
        return [post for post in self.posts if post.answered.status == 202]


def silence_after(reading: Reading, died_at: float) -> float:
    """The longest wait for an event since then."""
    times = [died_at, *(event.at for event in reading.seen if event.at > died_at)]
    return max((after - before for before, after in pairwise(times)), default=0.0)
