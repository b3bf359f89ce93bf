"""What agents did, as anybody reads it who may: every turn is an execution.

An execution is read by who may read its session, from the rows that its turn left; nothing is stored a second time.
What is shown of a step has no secrets in it and is short, and what it leaves out is an artifact.
"""

from neo.executions.artifacts.desk import ArtifactDesk
from neo.executions.artifacts.routes import artifact_router
from neo.executions.calls.desk import CallDesk
from neo.executions.calls.routes import call_router
from neo.executions.control.desk import ControlDesk
from neo.executions.control.routes import control_router
from neo.executions.history.desk import ExecutionDesk
from neo.executions.history.routes import history_router
from neo.executions.steps.desk import StepDesk
from neo.executions.steps.routes import step_router

__all__ = [
    "ArtifactDesk",
    "CallDesk",
    "ControlDesk",
    "ExecutionDesk",
    "StepDesk",
    "artifact_router",
    "call_router",
    "control_router",
    "history_router",
    "step_router",
]
