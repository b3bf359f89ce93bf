"""A call that its turn's driver runs, as its row has it."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import UUID

from neo.connections import Effect, KeyedBy

# A call whose process died, or whose answer was lost, is begun again so often.
ATTEMPTS_MAX = 3
# Servers forget the keys that they have seen.
KEY_KEPT = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    id: str
    connection_id: UUID
    tool_name: str
    arguments: dict[str, Any]
    effect: Effect
    seconds: float
    key: str
    key_argument: str | None
    probe_tool: str | None
    is_untrusted: bool
    is_running: bool
    """It was dispatched before, and may have left."""
    attempts: int
    dispatched_at: datetime | None

    @property
    def may_be_repeated(self) -> bool:
        """Whether it may be sent, though it may have been sent before."""
        if not self.is_running or self.effect is Effect.READ:
            return True
        is_kept = self.dispatched_at is not None and datetime.now(UTC) - self.dispatched_at < KEY_KEPT
        return self.effect is Effect.KEYED and is_kept

    def sent(self) -> Self:
        """The same call, once it may have left."""
        now = datetime.now(UTC)
        return replace(self, is_running=True, attempts=self.attempts + 1, dispatched_at=now)

    @property
    def sent_arguments(self) -> dict[str, Any]:
        return {**self.arguments, self.key_argument: self.key} if self.key_argument else self.arguments


def key_argument_of(keyed_by: str | None, key_argument: str | None) -> str | None:
    return key_argument if keyed_by == KeyedBy.ARGUMENT else None
