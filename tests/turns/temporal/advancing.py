"""A worker whose `advance` answers as it is told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import uuid4

from temporalio import activity
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from neo.turns.temporal.contract import ADVANCE, TurnInput
from neo.turns.temporal.workflow import TurnWorkflow


def some_turn(*, has_ended: bool = False) -> TurnInput:
    return TurnInput(str(uuid4()), str(uuid4()), str(uuid4()), has_ended=has_ended)


@dataclass
class Advancing:
    """Answers in turn, the last one ever after; an error is raised."""

    queue: str
    answers: list[str | Exception]
    asked: list[TurnInput] = field(default_factory=list)

    @activity.defn(name=ADVANCE)
    async def advance(self, turn: TurnInput) -> str:
        self.asked.append(turn)
        answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer


@asynccontextmanager
async def advancing(temporal: Client, *answers: str | Exception) -> AsyncIterator[Advancing]:
    found = Advancing(f"queue-{uuid4()}", list(answers))
    async with Worker(
        temporal,
        task_queue=found.queue,
        workflows=[TurnWorkflow],
        activities=[found.advance],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        yield found
