"""What the routes of executions depend on: who is calling, and the ids of the path."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends

from neo.access import Principal, Right, caller_with
from neo.api import Page, requested_page
from neo.executions.errors import ArtifactNotFound, ExecutionNotFound
from neo.kit import find_guid

TAG = "Executions"


async def known_execution_id(execution_id: str) -> UUID:
    found = find_guid(execution_id)
    if found is None:
        raise ExecutionNotFound("No such execution.")
    return found


async def known_artifact_id(artifact_id: str) -> UUID:
    found = find_guid(artifact_id)
    if found is None:
        raise ArtifactNotFound("The execution has no such artifact, or not any more.")
    return found


ExecutionReader = Annotated[Principal, Depends(caller_with(Right.READ_EXECUTION))]
ExecutionChanger = Annotated[Principal, Depends(caller_with(Right.CHANGE_EXECUTION))]
AgentRunner = Annotated[Principal, Depends(caller_with(Right.RUN_AGENT))]
ExecutionId = Annotated[UUID, Depends(known_execution_id)]
ArtifactId = Annotated[UUID, Depends(known_artifact_id)]
Paged = Annotated[Page, Depends(requested_page)]
