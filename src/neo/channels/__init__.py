"""Channels: a CONVERSATIONAL agent bound to a transport, and how an inbound message finds its agent.

A bot is its tenant's because the operator or the platform granted it, and a channel counts only while it is.
The platform's relay reaches one of three destinations: the white-label channel that is installed for the sender's
Microsoft tenant, the named tenant's channel of that bot, or its Neo Support agent. There is no fourth.
"""

from neo.channels.bots.desk import BotDesk
from neo.channels.bots.survey import KnownBot, foreign_installs, known_bots
from neo.channels.errors import ClientIdNotAllowed, CompanyNotMapped, TenantNotFound
from neo.channels.models import Bot, Channel, ChannelInstall, ChannelStatus, Transport
from neo.channels.routing.destination import Destination, Route, RouteKind, find_destination, find_route
from neo.channels.routing.explain import Explainer, Explanation
from neo.channels.routing.inbound import Inbound
from neo.channels.store import ChannelStore

__all__ = [
    "Bot",
    "BotDesk",
    "Channel",
    "ChannelInstall",
    "ChannelStatus",
    "ChannelStore",
    "ClientIdNotAllowed",
    "CompanyNotMapped",
    "Destination",
    "Explainer",
    "Explanation",
    "Inbound",
    "KnownBot",
    "Route",
    "RouteKind",
    "TenantNotFound",
    "Transport",
    "find_destination",
    "find_route",
    "foreign_installs",
    "known_bots",
]
