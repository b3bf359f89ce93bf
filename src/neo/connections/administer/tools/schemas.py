"""The request and response bodies of a connection's tools."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, StringConstraints
from pydantic_core import PydanticCustomError

from neo.api import left_alone
from neo.connections.rows.models import (
    TIMEOUT_SECONDS_MAX,
    Effect,
    Gate,
    KeyedBy,
    ToolState,
    ToolTier,
)
from neo.connections.schemas import SchemaRefused, checked_schema
from neo.connections.tools import NAME_CHARACTERS_MAX, TOOLS_MAX

EVERY = "*"
DIGEST_CHARACTERS = 64

ToolName = Annotated[str, StringConstraints(min_length=1, max_length=NAME_CHARACTERS_MAX)]
Digest = Annotated[str, StringConstraints(min_length=DIGEST_CHARACTERS, max_length=DIGEST_CHARACTERS)]


def _schema(value: dict[str, Any]) -> dict[str, Any]:
    try:
        return checked_schema(value, strict=True)
    except SchemaRefused as refused:
        raise PydanticCustomError("schema", "{problem}", {"problem": refused.message}) from refused


Schema = Annotated[dict[str, Any], AfterValidator(_schema)]


class PinTools(BaseModel):
    """Say yes to what the server says of these tools now."""

    tools: list[ToolName] = Field(
        min_length=1, max_length=TOOLS_MAX, description="Names; `*` is all that can be pinned."
    )
    digests: dict[ToolName, Digest] = Field(
        default_factory=dict,
        max_length=TOOLS_MAX,
        description="The digests that you have read, by name: where one is another by now, nothing is pinned: "
        "`409 tool_changed`.",
    )


class UpdateTool(BaseModel):
    """A partial update: what is left out stays as it is, null is the careful choice again."""

    effect: Effect | None = left_alone(
        "READ changes nothing. KEYED has its effect once for all calls with the same key. WRITE has one each time, "
        "and is never sent again when nobody knows whether it arrived. Null: WRITE."
    )
    gate: Gate | None = left_alone(
        "Whether somebody has to approve a call; with WHEN, where its arguments are valid by the schema in `when`. "
        "Null: NEVER for READ, else ALWAYS."
    )
    when: Schema | None = left_alone("A JSON Schema of arguments, with `gate` WHEN and only then.")
    tier: ToolTier | None = left_alone("How dear or dangerous a call is.")
    timeout_seconds: Annotated[int, Field(ge=1, le=TIMEOUT_SECONDS_MAX)] | None = left_alone(
        "How long an answer is waited for, 1 to 60. Null: 30."
    )
    probe_tool: ToolName | None = left_alone(
        "Another tool of the connection, with the effect READ, that tells what became of a call whose answer was lost."
    )
    keyed_by: KeyedBy | None = left_alone(
        "Where a KEYED tool looks for the key: it is in header and `_meta` always."
    )
    key_argument: ToolName | None = left_alone(
        "The argument for the key, with `keyed_by` ARGUMENT and only then."
    )


class ToolRequest(BaseModel):
    """What makes a request of an operation's arguments."""

    method: str
    path: str
    places: dict[str, str]


class ToolTold(BaseModel):
    """What a server says of a tool."""

    title: str | None
    description: str
    input_schema: dict[str, Any]
    hints: dict[str, bool] = Field(description="The server's own words: they lower nothing.")
    operation: ToolRequest | None = Field(description="Of an HTTP API; null: it is a tool of an MCP server.")
    group: str | None = Field(
        description="Of an HTTP API: an operation's group, by which a toolbox may allow it."
    )


class ToolDifference(BaseModel):
    """A field that is not as it was pinned. `beyond`: only what is too long to be kept differs."""

    field: str
    pinned: Any
    listed: Any


class ToolResource(BaseModel):
    """A tool of a connection."""

    name: str
    state: ToolState = Field(
        description="Only PINNED is offered to agents. GONE: the server lists it no more."
    )
    listed: ToolTold | None = Field(description="What the server says now; null when it is GONE.")
    digest: str | None = Field(description="Of all that the server says of it now.")
    problem: str | None = Field(description="Why it cannot be pinned.")
    pinned: ToolTold | None = Field(description="What was said yes to.")
    pinned_at: datetime | None
    pinned_by_user: str | None
    difference: list[ToolDifference] = Field(description="What has changed since it was pinned.")
    effect: Effect | None = Field(description="As it was set; null: unset, so WRITE.")
    gate: Gate | None = Field(description="As it was set; null: unset.")
    when: dict[str, Any] | None
    tier: ToolTier | None
    timeout_seconds: int | None
    probe_tool: str | None
    keyed_by: KeyedBy | None
    key_argument: str | None
    proposed_effect: Effect | None = Field(
        description="What its method, or its server's hints, say that it does: nothing, until you set it as `effect`."
    )
    used_effect: Effect = Field(description="What counts.")
    used_gate: Gate = Field(description="What counts; an agent may only make it stricter.")
    used_timeout_seconds: int
