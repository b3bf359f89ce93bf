"""The request and response bodies of channels."""

from datetime import datetime

from pydantic import BaseModel, Field

from neo.agents import Audience, Overlap
from neo.api import Guid, HttpsUrl, Name, Text, left_alone
from neo.channels.models import ChannelStatus, Transport

AUDIENCE_TEXT = (
    "Whom the channel serves: MSP, your own technicians; END_USER, your customers' employees (white-label). "
    "It cannot be changed."
)
TRANSPORT_TEXT = "How messages come and go. Only TEAMS can be used yet. It cannot be changed."
AGENT_TEXT = (
    "The CONVERSATIONAL agent that answers, of the same audience. A Neo-managed agent serves MSP channels."
)
BOT_TEXT = (
    "App id of the Teams bot (a GUID) that messages come in by; without one nothing does. It was granted to your "
    "tenant, or, for an MSP channel, it is shared by the platform. It has one END_USER and one MSP channel at most."
)
INTERNAL_NAME_TEXT = "The name that your technicians see; 1 to 200 characters."
DISPLAY_NAME_TEXT = "The name that users see; 1 to 200 characters."
DESCRIPTION_TEXT = "At most 2,000 characters."
ICON_TEXT = "An https URL of at most 2,000 characters."
WELCOME_TEXT = "What the bot greets with after it was installed; at most 2,000 characters."
PREFIX_TEXT = "Put before what the relay passes on; 1 to 200 characters."
STEPS_TEXT = "Whether users see what the agent is doing before it answers."
OVERLAP_TEXT = (
    "What a message does that meets an open turn, when it does not say so. Null: as the agent has it."
)
STATUS_TEXT = "Nothing is routed to a DISCONNECTED channel."


class CreateChannelRequest(BaseModel):
    internal_name: Name = Field(description=INTERNAL_NAME_TEXT)
    audience: Audience = Field(description=AUDIENCE_TEXT)
    transport: Transport = Field(Transport.TEAMS, description=TRANSPORT_TEXT)
    agent_id: int = Field(description=AGENT_TEXT)
    bot_id: Guid | None = Field(None, description=BOT_TEXT)
    display_name: Name | None = Field(None, description=DISPLAY_NAME_TEXT)
    description: Text | None = Field(None, description=DESCRIPTION_TEXT)
    color_icon_url: HttpsUrl | None = Field(None, description=ICON_TEXT)
    outline_icon_url: HttpsUrl | None = Field(None, description=ICON_TEXT)
    welcome_message: Text | None = Field(None, description=WELCOME_TEXT)
    relay_prefix: Name | None = Field(None, description=PREFIX_TEXT)
    show_agent_progress_steps: bool = Field(default=True, description=STEPS_TEXT)
    overlap: Overlap | None = Field(None, description=OVERLAP_TEXT)
    status: ChannelStatus = Field(ChannelStatus.ACTIVE, description=STATUS_TEXT)


class UpdateChannelRequest(BaseModel):
    """Only the fields that are sent change; null clears a field that may be null."""

    internal_name: Name = left_alone(INTERNAL_NAME_TEXT)
    audience: Audience = left_alone(AUDIENCE_TEXT)
    transport: Transport = left_alone(TRANSPORT_TEXT)
    agent_id: int = left_alone(AGENT_TEXT)
    bot_id: Guid | None = left_alone(BOT_TEXT)
    display_name: Name | None = left_alone(DISPLAY_NAME_TEXT)
    description: Text | None = left_alone(DESCRIPTION_TEXT)
    color_icon_url: HttpsUrl | None = left_alone(ICON_TEXT)
    outline_icon_url: HttpsUrl | None = left_alone(ICON_TEXT)
    welcome_message: Text | None = left_alone(WELCOME_TEXT)
    relay_prefix: Name | None = left_alone(PREFIX_TEXT)
    show_agent_progress_steps: bool = left_alone(STEPS_TEXT)
    overlap: Overlap | None = left_alone(OVERLAP_TEXT)
    status: ChannelStatus = left_alone(STATUS_TEXT)
    version: int = left_alone("The version that you read; when it is not the current one: 409.")


class PublicChannel(BaseModel):
    """A CONVERSATIONAL agent bound to a transport, with its branding."""

    id: str
    agent_id: int
    audience: Audience
    transport: Transport
    status: ChannelStatus
    bot_id: str | None
    internal_name: str
    display_name: str | None
    description: str | None
    color_icon_url: str | None
    outline_icon_url: str | None
    welcome_message: str | None
    relay_prefix: str | None
    show_agent_progress_steps: bool
    overlap: Overlap | None
    version: int = Field(description="Counts the changes, from 1.")
    created_at: datetime
    updated_at: datetime


class DeletedChannel(BaseModel):
    """The channel that is no more."""

    id: str


class PublicChannelInstall(BaseModel):
    """A customer's Microsoft tenant in which the channel's bot is installed."""

    channel_id: str
    end_client_tenant_id: str
    created_at: datetime


class DeletedChannelInstall(BaseModel):
    """The install that is no more."""

    channel_id: str
    end_client_tenant_id: str


class InstallEventRequest(BaseModel):
    bot_id: Guid = Field(description="App id of the Teams bot that was installed.")
    end_client_tenant_id: Guid = Field(description="The Microsoft 365 tenant that it was installed in.")


class InstallBrandingResponse(BaseModel):
    """What to greet with. Not `matched`: the bot has no active white-label channel installed there."""

    matched: bool
    display_name: str | None
    welcome_message: str | None
