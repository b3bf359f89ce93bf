"""Where a relayed message goes: three routes, tried in order, and nothing else.

First a tenant is found, then everything is read and locked in that tenant's own transaction, in which the session
is made: a channel that is bound anew meanwhile cannot take the session with it.
"""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from neo.agents import AgentStore, Audience, ManagedAgentKey
from neo.channels.errors import ClientIdRequired, CompanyNotMapped, TenantNotFound
from neo.channels.models import Channel
from neo.channels.routing.inbound import Inbound
from neo.channels.store import ChannelStore
from neo.companies import CompanyStore
from neo.db import Database
from neo.tenants import find_tenant


class RouteKind(StrEnum):
    """Which of the three routes was taken."""

    WHITE_LABEL = "WHITE_LABEL"
    MSP_CHANNEL = "MSP_CHANNEL"
    NEO_SUPPORT = "NEO_SUPPORT"


@dataclass(frozen=True)
class Route:
    kind: RouteKind
    agent_id: int
    audience: Audience = Audience.MSP
    channel_id: UUID | None = None
    show_agent_progress_steps: bool | None = None
    end_company_id: str | None = None


@dataclass(frozen=True)
class Destination:
    tenant_id: UUID
    is_white_label: bool


async def find_destination(database: Database, inbound: Inbound) -> Destination:
    """The tenant that a message is for: the owner of a white-label bot comes before the tenant named in `client_id`."""
    owner = await _owner(database, inbound)
    if owner is not None:
        return Destination(owner, is_white_label=True)
    if inbound.client_id is None:
        raise ClientIdRequired(
            "No white-label channel of this bot is installed for `inbound_tenant_id`: name the tenant in `client_id`.",
            details={"fields": {"client_id": "is needed"}},
        )
    if inbound.client is None:
        raise no_such_tenant()
    return Destination(inbound.client, is_white_label=False)


async def find_route(db: AsyncSession, destination: Destination, inbound: Inbound) -> Route | None:
    """The route, read in the destination tenant's transaction; None when its install has gone: look again."""
    tenant = await find_tenant(db, destination.tenant_id)
    if tenant is None or tenant.is_platform or tenant.suspended_at is not None:
        raise no_such_tenant()
    if destination.is_white_label:
        return await _white_label(db, destination.tenant_id, inbound)
    if inbound.bot_id is not None:
        channel = await ChannelStore(db, destination.tenant_id).find_msp(inbound.bot_id)
        if channel is not None:
            return _through(channel, RouteKind.MSP_CHANNEL)
    support = await AgentStore(db, destination.tenant_id).get_managed(ManagedAgentKey.NEO_SUPPORT)
    return Route(RouteKind.NEO_SUPPORT, support.id)


async def find_owner(database: Database, bot_id: UUID, end_client_tenant_id: UUID) -> UUID | None:
    """The tenant whose active white-label channel of this bot is installed there, as it is at this moment."""
    found = await database.call("neo_find_install", bot_id, end_client_tenant_id)
    return found[0]["tenant_id"] if found else None


def no_such_tenant() -> TenantNotFound:
    return TenantNotFound("No such tenant.")


async def _owner(database: Database, inbound: Inbound) -> UUID | None:
    if inbound.bot_id is None or inbound.end_client_tenant_id is None:
        return None
    return await find_owner(database, inbound.bot_id, inbound.end_client_tenant_id)


async def _white_label(db: AsyncSession, tenant_id: UUID, inbound: Inbound) -> Route | None:
    bot_id, end_client = inbound.bot_id, inbound.end_client_tenant_id
    if bot_id is None or end_client is None:
        return None
    channel = await ChannelStore(db, tenant_id).find_white_label(bot_id, end_client)
    if channel is None:
        return None
    companies = await CompanyStore(db, tenant_id).linked_to(end_client)
    if len(companies) != 1:
        raise CompanyNotMapped(
            "This chat is not set up for your organisation yet. Ask your IT provider to link your Microsoft 365 "
            "tenant to exactly one company in Neo.",
            details={
                "inbound_tenant_id": str(end_client),
                "companies_linked": "none" if not companies else "several",
            },
        )
    return _through(channel, RouteKind.WHITE_LABEL, companies[0].psa_company_id)


def _through(channel: Channel, kind: RouteKind, end_company_id: str | None = None) -> Route:
    return Route(
        kind,
        channel.agent_id,
        Audience(channel.audience),
        channel.id,
        channel.show_agent_progress_steps,
        end_company_id,
    )
