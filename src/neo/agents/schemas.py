"""The request and response bodies of agents."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field, field_validator

from neo.agents.errors import AutonomyTypeNotSupported
from neo.agents.models import Access, Audience, AutonomyType, Overlap
from neo.api import Guid, Instructions, Name, Text, free_of, left_alone
from neo.llm import ReasoningEffort, problem_with_variables

# For more users than this there are ADMINS_ONLY and ALL_USERS.
ACCESS_USERS_MAX = 1000

UserIds = Annotated[list[Guid], Field(max_length=ACCESS_USERS_MAX)]

NAME = "1 to 200 characters."
MODEL = (
    "The agent's model at the FAST tier, a name of `GET /public-api/models`; another is `422 model_unknown`. Null: the "
    "server's own."
)
EFFORT = "How long the model thinks before it answers. Null: the model's default."
ACCESS = "Which of your own users may talk to the agent. API keys are not bound by it."
USER_IDS = "Entra object ids of those who may talk to it, at most 1,000: with SPECIFIC_USERS, and only then."

TOOLBOX = (
    "Which tools the agent may use, by type (`GET /public-api/schemas/toolbox`). An update is merged by type; null "
    "disables one. Null, or none: no tools."
)
OVERLAP = (
    "What a message does that meets an open turn, when neither it nor its channel says so. Null: it waits."
)


class AgentSettings(BaseModel):
    custom_instructions: Annotated[Instructions, free_of(problem_with_variables)] = Field(
        "",
        description="What the agent is told about its task, at most 100,000 characters. `{{user.name}}`, "
        "`{{user.role}}`, `{{company.name}}`, `{{channel.name}}`, `{{channel.type}}`, `{{agent.name}}`, `{{date}}`, "
        "`{{time}}` and `{{timezone}}` are filled in with each turn, others refused. A literal `{{` is written `\\{{`.",
    )


class AgentToolbox(BaseModel):
    tool_settings_by_type: dict[str, dict[str, Any] | None] = Field(
        default_factory=dict,
        description="The settings of each tool type. No credentials: those are a connection's.",
    )


class CreateConversationalAgent(BaseModel):
    """An agent to chat with."""

    autonomy_type: AutonomyType = Field(description="CONVERSATIONAL: others cannot be created yet.")
    name: Name = Field(description=NAME)
    description: Text = Field("", description="For people, at most 2,000 characters.")
    agent_settings: AgentSettings = Field(default_factory=AgentSettings)
    audience: Audience = Field(
        Audience.MSP,
        description="Whom it serves: your own people, or your customers' employees. Set here, immutable.",
    )
    access: Access = Field(Access.ALL_USERS, description=ACCESS)
    access_user_ids: UserIds = Field(default_factory=list, description=USER_IDS)
    model: Name | None = Field(None, description=MODEL)
    reasoning_effort: ReasoningEffort | None = Field(None, description=EFFORT)
    overlap: Overlap | None = Field(None, description=OVERLAP)
    toolbox: AgentToolbox | None = Field(None, description=TOOLBOX)

    @field_validator("autonomy_type")
    @classmethod
    def _is_supported(cls, value: AutonomyType) -> AutonomyType:
        # Refused before the other fields are checked: they belong to another kind of agent.
        if value is not AutonomyType.CONVERSATIONAL:
            raise AutonomyTypeNotSupported(
                "Only CONVERSATIONAL agents can be created yet.",
                details={"fields": {"autonomy_type": "is not CONVERSATIONAL"}},
            )
        return value


class UpdateAgent(BaseModel):
    """A partial update: what is left out stays as it is."""

    name: Name = left_alone(NAME)
    description: Text = left_alone("For people, at most 2,000 characters.")
    agent_settings: AgentSettings = left_alone("Replaces the settings as a whole.")
    access: Access = left_alone(ACCESS)
    access_user_ids: UserIds = left_alone(USER_IDS)
    model: Name | None = Field(None, description=MODEL)
    reasoning_effort: ReasoningEffort | None = Field(None, description=EFFORT)
    overlap: Overlap | None = Field(None, description=OVERLAP)
    toolbox: AgentToolbox | None = Field(None, description=TOOLBOX)
    autonomy_type: AutonomyType = left_alone("Immutable: the agent's own, or left out.")
    audience: Audience = left_alone("Immutable: the agent's own, or left out.")
    version: int | None = Field(
        None, description="The version that you read. When it is not the current one, nothing changes: 409."
    )


class AgentResource(BaseModel):
    """An agent as lists show it."""

    id: int
    name: str
    description: str
    autonomy_type: AutonomyType
    audience: Audience
    access: Access
    access_user_ids: list[str]
    model: str | None
    reasoning_effort: str | None
    overlap: Overlap | None
    managed_agent_key: str | None = Field(
        description="Set for an agent that Neo manages: it cannot be changed."
    )
    version: int = Field(description="Counts the agent's changes, from 1.")
    created_by_user: str | None = Field(description="The user or service account; null: Neo.")
    created_at: datetime
    updated_at: datetime


class AgentDetail(AgentResource):
    """An agent with its instructions."""

    agent_settings: AgentSettings
    toolbox: AgentToolbox


class DeletedAgent(BaseModel):
    """The agent that is no more."""

    id: int


class AgentVersionResource(BaseModel):
    """One change of an agent."""

    version: int
    changed_by_user: str | None = Field(description="The user or service account; null: Neo.")
    created_at: datetime


class AgentSnapshot(BaseModel):
    """What an agent was."""

    name: str
    description: str
    autonomy_type: AutonomyType
    audience: Audience
    access: Access
    access_user_ids: list[str]
    agent_settings: AgentSettings
    model: str | None
    reasoning_effort: str | None
    # Versions from before this column existed have none.
    overlap: Overlap | None = None
    toolbox: AgentToolbox = Field(default_factory=lambda: AgentToolbox(tool_settings_by_type={}))


class AgentVersionDetail(AgentVersionResource):
    """One change of an agent, with what the agent was after it."""

    agent: AgentSnapshot


def columns(fields: dict[str, Any]) -> dict[str, Any]:
    """A body's fields by column name."""
    settings = fields.pop("agent_settings", None)
    if "toolbox" in fields:
        toolbox = fields["toolbox"]
        fields["toolbox"] = None if toolbox is None else toolbox.tool_settings_by_type
    return fields if settings is None else {**fields, "instructions": settings.custom_instructions}
