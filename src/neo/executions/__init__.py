"""What agents did, as anybody reads it who may: every turn is an execution.

An execution is read by who may read its session, from the rows that its turn left; nothing is stored a second time.
What is shown of a step has no secrets in it and is short, and what it leaves out is an artifact.
"""

from neo.executions.artifacts.desk import ArtifactDesk
from neo.executions.artifacts.routes import artifact_router

__all__ = ["ArtifactDesk", "artifact_router"]
