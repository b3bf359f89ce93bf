"""Which executions are asked for."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement

from neo.agents import Agent, AutonomyType
from neo.executions.errors import ExecutionFilterInvalid
from neo.executions.history.schemas import ExecutionStatus, ExecutionTrigger
from neo.kit import find_guid
from neo.sessions import ChatSession
from neo.turns.models import ChatTurn, TurnStatus

OF_TURNS = {
    ExecutionStatus.SUCCESS: TurnStatus.COMPLETED,
    ExecutionStatus.FAILURE: TurnStatus.FAILED,
}
Word = TypeVar("Word", bound=StrEnum)


@dataclass(frozen=True)
class Filters:
    """As they are asked for. Executions of chats are many and short, so they are shown to who names them only."""

    agent_id: int | None = None
    entity_id: str | None = None
    entity_number: str | None = None
    status: str | None = None
    autonomy_type: str | None = None
    trigger: str | None = None
    session_id: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    q: str | None = None

    def conditions(self) -> list[ColumnElement[bool]] | None:
        """None where no execution can be meant."""
        statuses = words_of(self.status, ExecutionStatus, "status")
        kinds = words_of(self.autonomy_type, AutonomyType, "autonomy_type")
        triggers = words_of(self.trigger, ExecutionTrigger, "trigger")
        session_id = find_guid(self.session_id) if self.session_id is not None else None
        is_of_chats = ExecutionTrigger.CHAT in triggers if triggers else self.session_id is not None
        is_nowhere = self.session_id is not None and session_id is None
        # No entity begins a chat turn.
        if not is_of_chats or is_nowhere or self.entity_id is not None or self.entity_number is not None:
            return None
        return [*_on_turns(statuses, self), *_on_others(session_id, kinds, self.agent_id)]


def words_of(asked: str | None, known: type[Word], name: str) -> list[Word]:
    """The words of a list with commas, in any case."""
    wanted = [word.strip().upper() for word in (asked or "").split(",") if word.strip()]
    words = {one.value: one for one in known}
    if unknown := [word for word in wanted if word not in words]:
        said = unknown[0][:40]
        raise ExecutionFilterInvalid(f"`{name}` has no {said!r}; it has {', '.join(words)}.")
    return [words[word] for word in wanted]


def _on_turns(statuses: Iterable[ExecutionStatus], filters: Filters) -> Iterable[ColumnElement[bool]]:
    if filters.status is not None:
        yield ChatTurn.status.in_([OF_TURNS.get(status, status.value) for status in statuses])
    if filters.created_after is not None:
        yield ChatTurn.created_at >= filters.created_after
    if filters.created_before is not None:
        yield ChatTurn.created_at < filters.created_before


def _on_others(
    session_id: UUID | None, kinds: Iterable[AutonomyType], agent_id: int | None
) -> Iterable[ColumnElement[bool]]:
    if session_id is not None:
        yield ChatTurn.session_id == session_id
    if kinds:
        yield Agent.autonomy_type.in_([kind.value for kind in kinds])
    if agent_id is not None:
        yield ChatSession.agent_id == agent_id
