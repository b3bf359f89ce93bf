"""The shapes of a toolbox's settings, and of what is told about tools."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from neo.api import Guid
from neo.connections import Gate
from neo.toolbox.settings import EVERY, AccessLevel

CONNECTIONS_MAX = 20
# As many as are kept of a server.
NAMES_MAX = 300
GROUPS_MAX = 100

GroupType = Annotated[str, StringConstraints(pattern=r"^(\*|[A-Z][A-Z0-9_]{0,63})$")]
ToolName = Annotated[str, StringConstraints(min_length=1, max_length=128)]


class GroupPermission(BaseModel):
    """What an agent may do with a group of a connection's tools."""

    model_config = ConfigDict(extra="forbid")

    group_type: GroupType = Field(
        description="A group of an HTTP API's operations; `*` is all that is not named, and all tools without a group."
    )
    access_level: AccessLevel = Field(
        description="READ_ONLY: the tools whose effect is set to READ. DISABLED: none."
    )
    require_til: bool = Field(default=False, description="Somebody approves each call that may write.")


class AllowedTools(BaseModel):
    """A connection, and which of its tools the agent may use."""

    # A toolbox is read by many: whoever puts a credential into it is told so.
    model_config = ConfigDict(extra="forbid")

    connection_id: Guid
    allow: list[ToolName] = Field(
        default_factory=lambda: [EVERY],
        min_length=1,
        max_length=NAMES_MAX,
        description="Names; `*` is all that are pinned.",
    )
    gate: Gate | None = Field(None, description="Of all these tools, where it is stricter than a tool's own.")
    permissions: list[GroupPermission] | None = Field(
        None,
        min_length=1,
        max_length=GROUPS_MAX,
        description="By group. Left out: all that `allow` names. Given: a group that is not named is disabled.",
    )


class ConnectionTools(BaseModel):
    """The settings of `MCP` and of `EXTERNAL_API_REQUEST`."""

    model_config = ConfigDict(extra="forbid")

    connections: list[AllowedTools] = Field(max_length=CONNECTIONS_MAX)


class ToolType(BaseModel):
    """A key of `toolbox.tool_settings_by_type`."""

    type: str
    title: str
    description: str
    group: str
    credit_tier: str
    audience: str | None = Field(description="Null: agents of either.")
    requires_integration: str | None
    is_write: bool
    settings_schema: dict[str, Any] = Field(description="A JSON Schema of its settings.")


class ToolboxSchema(BaseModel):
    """A JSON Schema of an agent's `toolbox`."""

    type: str
    properties: dict[str, Any]
    additionalProperties: bool  # noqa: N815 - a word of JSON Schema.


class ExplainTools(BaseModel):
    session_id: Guid | None = Field(
        None,
        description="A session of the agent: what its company and your tenant's stops change is told too.",
    )


class ExplainedTool(BaseModel):
    """Whether an agent is offered a tool now, and why not."""

    connection_id: str
    connection_name: str | None = Field(description="Null: there is no such connection.")
    name: str | None = Field(description="Null: no tool of it is known.")
    wire_name: str | None = Field(description="The name by which a model calls it.")
    is_offered: bool
    is_callable: bool = Field(
        description="False: it is not offered, or a call of it would be refused now; `reasons` say why."
    )
    reasons: list[str]
    group: str | None = Field(description="By which `permissions` of the toolbox may allow it, or not.")
    effect: str | None
    gate: Gate | None
