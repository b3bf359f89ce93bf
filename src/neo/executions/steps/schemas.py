from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, Field


class StepType(StrEnum):
    """THOUGHT is what a model said on the way: its reasoning, and text before the calls that it asked for."""

    USER_MESSAGE = "USER_MESSAGE"
    THOUGHT = "THOUGHT"
    TOOL_CALL = "TOOL_CALL"
    TOOL_RESULT = "TOOL_RESULT"
    TIL_REQUESTED = "TIL_REQUESTED"
    TIL_RESOLVED = "TIL_RESOLVED"
    FINAL_MESSAGE = "FINAL_MESSAGE"
    ERROR = "ERROR"


class ExecutionStep(BaseModel):
    """One thing that an execution did or met."""

    step_id: str
    execution_id: str
    sequence: int = Field(description="Rises from step to step, with gaps.")
    type: StepType
    message: str | None = Field(
        description="In short: the beginning of a text, the tool's title, the outcome."
    )
    tool_call_id: str | None
    tool_type_name: str | None = Field(description="The tool, as the model called it.")
    is_error: bool
    data: dict[str, Any] | None = Field(
        description="Null with `include_data=false`. A text has `text`; a TOOL_CALL `input`, `effect` and `gate`; a "
        "TOOL_RESULT `status`, `output` or `error`, `artifact_id`, `resolution`; an ERROR `code` and `detail`. Secrets "
        "are `***`. Where it was over 64 KiB, `truncated` is true."
    )
    created_at: datetime | None
