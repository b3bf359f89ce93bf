"""Turns rows into the API's resources."""

from neo.agents import Audience, Overlap
from neo.channels.models import Channel, ChannelInstall, ChannelStatus, Transport
from neo.channels.schemas import InstallBrandingResponse, PublicChannel, PublicChannelInstall


def shown_channel(channel: Channel) -> PublicChannel:
    return PublicChannel(
        id=str(channel.id),
        agent_id=channel.agent_id,
        audience=Audience(channel.audience),
        transport=Transport(channel.transport),
        status=ChannelStatus(channel.status),
        bot_id=str(channel.bot_id) if channel.bot_id else None,
        internal_name=channel.internal_name,
        display_name=channel.display_name,
        description=channel.description,
        color_icon_url=channel.color_icon_url,
        outline_icon_url=channel.outline_icon_url,
        welcome_message=channel.welcome_message,
        relay_prefix=channel.relay_prefix,
        show_agent_progress_steps=channel.show_agent_progress_steps,
        overlap=Overlap(channel.overlap) if channel.overlap else None,
        version=channel.version,
        created_at=channel.created_at,
        updated_at=channel.updated_at,
    )


def shown_install(install: ChannelInstall) -> PublicChannelInstall:
    return PublicChannelInstall(
        channel_id=str(install.channel_id),
        end_client_tenant_id=str(install.end_client_tenant_id),
        created_at=install.created_at,
    )


def shown_branding(channel: Channel | None) -> InstallBrandingResponse:
    return InstallBrandingResponse(
        matched=channel is not None,
        display_name=channel.display_name if channel else None,
        welcome_message=channel.welcome_message if channel else None,
    )
