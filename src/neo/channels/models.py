from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, FetchedValue
from sqlalchemy.orm import Mapped, mapped_column

from neo.db import Base


class Transport(StrEnum):
    """How messages come and go. Only TEAMS can be used yet."""

    TEAMS = "TEAMS"
    SLACK = "SLACK"
    PORTAL = "PORTAL"
    EMAIL = "EMAIL"


class ChannelStatus(StrEnum):
    """A DISCONNECTED channel is paused: nothing is routed to it."""

    ACTIVE = "ACTIVE"
    DISCONNECTED = "DISCONNECTED"


class Channel(Base):
    """A CONVERSATIONAL agent bound to a transport, with its branding. Deleted ones keep their row."""

    __tablename__ = "channels"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    agent_id: Mapped[int] = mapped_column(BigInteger)
    transport: Mapped[str]
    audience: Mapped[str]
    status: Mapped[str] = mapped_column(server_default=FetchedValue())
    bot_id: Mapped[UUID | None]
    internal_name: Mapped[str]
    display_name: Mapped[str | None]
    description: Mapped[str | None]
    color_icon_url: Mapped[str | None]
    outline_icon_url: Mapped[str | None]
    welcome_message: Mapped[str | None]
    relay_prefix: Mapped[str | None]
    show_agent_progress_steps: Mapped[bool] = mapped_column(server_default=FetchedValue())
    overlap: Mapped[str | None]
    version: Mapped[int] = mapped_column(server_default=FetchedValue())
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    updated_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
    deleted_at: Mapped[datetime | None]


class Bot(Base):
    """A Teams bot, by its app id, and the tenant that it was granted to. The application's role only reads it."""

    __tablename__ = "bots"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    is_confirmed: Mapped[bool] = mapped_column(server_default=FetchedValue())
    granted_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())


class ChannelInstall(Base):
    """A customer's Microsoft tenant that has a white-label channel's bot."""

    __tablename__ = "channel_installs"

    channel_id: Mapped[UUID] = mapped_column(primary_key=True)
    end_client_tenant_id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_id: Mapped[UUID]
    created_at: Mapped[datetime] = mapped_column(server_default=FetchedValue())
