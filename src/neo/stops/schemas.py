"""The request and response bodies of stops."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from neo.api import Line
from neo.stops.models import StopScope

# The longest is a company's.
ID_CHARACTERS_MAX = 200
TOOL_CHARACTERS_MAX = 128


def _as_text(value: object) -> object:
    """Ids of agents are numbers."""
    return str(value) if type(value) is int else value


TargetId = Annotated[
    Line,
    StringConstraints(min_length=1, max_length=ID_CHARACTERS_MAX),
    BeforeValidator(_as_text, json_schema_input_type=str | int),
]
ToolName = Annotated[Line, StringConstraints(min_length=1, max_length=TOOL_CHARACTERS_MAX)]


class PutToolStop(BaseModel):
    """What your agents may not call from now on."""

    scope: StopScope
    id: TargetId | None = Field(
        None,
        description="Of the company (`psa_company_id`), the agent or the connection; with TOOL its connection's. With "
        "TENANT it may be left out.",
    )
    tool: ToolName | None = Field(None, description="With TOOL, and only then: the tool's own name.")
    writes_only: bool = Field(default=False, description="Whether calls that only read may go on.")

    @model_validator(mode="after")
    def _names_one_thing(self) -> "PutToolStop":
        if self.id is None and self.scope is not StopScope.TENANT:
            raise PydanticCustomError("stop", "`id` is missing")
        if (self.tool is None) is (self.scope is StopScope.TOOL):
            raise PydanticCustomError("stop", "`tool` goes with the scope TOOL")
        return self


class StopAuthor(BaseModel):
    """Who set a stop."""

    kind: str
    id: str


class ToolStopResource(BaseModel):
    """What your agents may not call."""

    id: str
    scope: StopScope
    scope_id: str = Field(description="The `id` that it was set with.")
    tool: str | None
    writes_only: bool
    set_by: StopAuthor = Field(description="Who said last what it stops.")
    set_at: datetime


class CallInFlightResource(BaseModel):
    """A call that had left before the stop."""

    call_id: str
    turn_id: str
    session_id: str
    connection_id: str
    tool_name: str
    dispatched_at: datetime


class SetToolStop(ToolStopResource):
    """A stop, with the calls that it came too late for."""

    calls_in_flight: list[CallInFlightResource] = Field(
        description="Calls that it would have refused, had they not left before: they are not recalled. The newest "
        "first, at most 200."
    )
    calls_in_flight_total: int


class LiftedToolStop(BaseModel):
    """The stop that is no more."""

    id: str
    deleted: bool
