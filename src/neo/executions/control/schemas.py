from pydantic import BaseModel, Field


class ExecutionSignal(BaseModel):
    """What was asked for is under way: read the execution."""

    execution_id: str
    signal: str
    message: str


class RetriedExecution(BaseModel):
    """The new execution, which is answered as any message is."""

    execution_id: str
    retried_execution_id: str
    status: str = Field(description="`queued`.")
    session_id: str
    since_cursor: str = Field(description="Tail the session's events from here.")
