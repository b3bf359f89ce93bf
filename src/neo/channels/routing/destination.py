"""Where a relayed message goes: three routes, tried in order, and nothing else.

First a tenant is found, then everything is read and locked in that tenant's own transaction, in which the session
is made: a channel that is bound anew meanwhile cannot take the session with it.
"""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from neo.agents import AgentStore, Audience, ManagedAgentKey
from neo.channels.bots.allowed import may_use_bot
from neo.channels.errors import ClientIdNotOwner, ClientIdRequired, CompanyNotMapped, TenantNotFound
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
    """`is_contradicted`: the message names another tenant than the one that it would go to. Nothing is opened then."""

    tenant_id: UUID
    is_white_label: bool
    is_contradicted: bool = False

    @property
    def acting_tenant_id(self) -> UUID | None:
        return None if self.is_contradicted else self.tenant_id

    def check(self) -> None:
        if self.is_contradicted:
            raise ClientIdNotOwner(
                "The white-label channel of this bot that is installed for `inbound_tenant_id` belongs to another "
                "tenant than `client_id`: nothing was opened.",
                details={"fields": {"client_id": "is not the channel's owner"}},
            )


async def find_destination(database: Database, inbound: Inbound) -> Destination:
    """The tenant that a message is for: the owner of a white-label bot, or else the tenant named in `client_id`."""
    owner, client = await _look_up(database, inbound.bot_id, inbound.end_client_tenant_id, inbound.client)
    if owner is not None:
        is_contradicted = inbound.client_id is not None and inbound.client != owner
        return Destination(owner, is_white_label=True, is_contradicted=is_contradicted)
    if inbound.client_id is None:
        raise ClientIdRequired(
            "No white-label channel of this bot is installed for `inbound_tenant_id`: name the tenant in `client_id`.",
            details={"fields": {"client_id": "is needed"}},
        )
    if client is None:
        raise no_such_tenant()
    return Destination(client, is_white_label=False)


async def find_route(db: AsyncSession, destination: Destination, inbound: Inbound) -> Route | None:
    """The route, read in the destination tenant's transaction; None when its install has gone: look again."""
    tenant = await find_tenant(db, destination.tenant_id)
    if tenant is None or tenant.is_platform or tenant.suspended_at is not None:
        raise no_such_tenant()
    if destination.is_white_label:
        return await _white_label(db, destination.tenant_id, inbound)
    if inbound.bot_id is not None:
        channel = await ChannelStore(db, destination.tenant_id).find_msp(inbound.bot_id)
        if channel is not None and await may_use_bot(db, inbound.bot_id, Audience.MSP):
            return _through(channel, RouteKind.MSP_CHANNEL)
    support = await AgentStore(db, destination.tenant_id).get_managed(ManagedAgentKey.NEO_SUPPORT)
    return Route(RouteKind.NEO_SUPPORT, support.id)


async def find_owner(database: Database, bot_id: UUID, end_client_tenant_id: UUID) -> UUID | None:
    """The tenant whose active white-label channel of this bot is installed there, as it is at this moment."""
    owner, _ = await _look_up(database, bot_id, end_client_tenant_id, None)
    return owner


async def find_white_label(
    db: AsyncSession, tenant_id: UUID, bot_id: UUID, end_client_tenant_id: UUID
) -> Channel | None:
    """The tenant's active white-label channel that is installed there, held with its bot until the commit."""
    channel = await ChannelStore(db, tenant_id).find_white_label(bot_id, end_client_tenant_id)
    if channel is None or not await may_use_bot(db, bot_id, Audience.END_USER, end_client_tenant_id):
        return None
    return channel


def no_such_tenant() -> TenantNotFound:
    return TenantNotFound("No such tenant.")


async def _look_up(
    database: Database, bot_id: UUID | None, end_client_tenant_id: UUID | None, client_id: UUID | None
) -> tuple[UUID | None, UUID | None]:
    """The owner of the white-label channel, if there is one, and the named tenant, if it may be acted for."""
    [found] = await database.call("neo_find_destination", bot_id, end_client_tenant_id, client_id)
    return found["owner_id"], found["client_id"]


async def _white_label(db: AsyncSession, tenant_id: UUID, inbound: Inbound) -> Route | None:
    bot_id, end_client = inbound.bot_id, inbound.end_client_tenant_id
    if bot_id is None or end_client is None:
        return None
    channel = await find_white_label(db, tenant_id, bot_id, end_client)
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
