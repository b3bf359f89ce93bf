"""Explains which route a relayed message would take: the same routing, run without creating anything."""

from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from neo.access import Principal
from neo.agents import Audience
from neo.channels.bots.allowed import may_use_bot
from neo.channels.errors import ClientIdNotOwner, ClientIdRequired
from neo.channels.models import ChannelStatus
from neo.channels.routing.destination import Destination, Route, RouteKind, find_destination, find_route
from neo.channels.routing.inbound import Inbound
from neo.channels.store import ChannelStore
from neo.db import Database
from neo.errors import Failure

NOT_REACHED = "Not looked at: an earlier route was taken."


@dataclass(frozen=True)
class Step:
    route: RouteKind
    is_taken: bool
    reason: str


@dataclass(frozen=True)
class Explanation:
    """`route` is where a session would be opened, `failure` why it would be refused; one of them is None."""

    tenant_id: UUID | None
    route: Route | None
    failure: Failure | None
    steps: list[Step]


class Explainer:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def explain(self, caller: Principal, inbound: Inbound) -> Explanation:
        """The platform asks as the relay does; anybody else as if the relay had named their own tenant."""
        if not caller.is_platform:
            inbound = replace(inbound, client_id=str(caller.tenant_id))
        try:
            destination = await find_destination(self._database, inbound)
        except Failure as failure:
            return Explanation(None, None, failure, _refused(inbound, failure))
        if not caller.is_platform and destination.tenant_id != caller.tenant_id:
            # Another tenant's bot must not show here.
            destination = Destination(caller.tenant_id, is_white_label=False)
        return await self._settled(destination, inbound)

    async def _settled(self, destination: Destination, inbound: Inbound) -> Explanation:
        tenant_id = destination.tenant_id
        try:
            destination.check()
            async with self._database.transaction(tenant_id) as db:
                white_label = await _white_label_reason(db, tenant_id, inbound)
                route = await find_route(db, destination, inbound)
        except Failure as failure:
            is_known = destination.is_white_label
            return Explanation(tenant_id if is_known else None, None, failure, _refused(inbound, failure))
        if route is None:
            return await self._settled(replace(destination, is_white_label=False), inbound)
        return Explanation(tenant_id, route, None, _steps(route, inbound, white_label))


async def _white_label_reason(db: AsyncSession, tenant_id: UUID, inbound: Inbound) -> str:
    if inbound.bot_id is None or inbound.end_client_tenant_id is None:
        return _missing(inbound)
    channel = await ChannelStore(db, tenant_id).find_by_bot(inbound.bot_id, Audience.END_USER)
    if channel is None:
        return "The tenant has no white-label channel of this bot."
    if channel.status != ChannelStatus.ACTIVE:
        return f"The white-label channel {channel.id} of this bot is {channel.status}."
    if not await may_use_bot(db, inbound.bot_id, Audience.END_USER, inbound.end_client_tenant_id):
        return f"The bot of the white-label channel {channel.id} is not the tenant's to use for `inbound_tenant_id`."
    return f"The white-label channel {channel.id} of this bot is not installed for `inbound_tenant_id`."


def _steps(route: Route, inbound: Inbound, white_label: str) -> list[Step]:
    if route.kind is RouteKind.WHITE_LABEL:
        taken = (
            f"Channel {route.channel_id} is ACTIVE and installed; the end company is {route.end_company_id}."
        )
        return [
            Step(RouteKind.WHITE_LABEL, True, taken),
            Step(RouteKind.MSP_CHANNEL, False, NOT_REACHED),
            Step(RouteKind.NEO_SUPPORT, False, NOT_REACHED),
        ]
    first = Step(RouteKind.WHITE_LABEL, False, white_label)
    if route.kind is RouteKind.MSP_CHANNEL:
        taken = f"Channel {route.channel_id} is the tenant's ACTIVE MSP channel of this bot."
        return [
            first,
            Step(RouteKind.MSP_CHANNEL, True, taken),
            Step(RouteKind.NEO_SUPPORT, False, NOT_REACHED),
        ]
    none = (
        "No `bot_id` was sent."
        if inbound.bot_id is None
        else "The tenant has no ACTIVE MSP channel of this bot, or was not given the bot."
    )
    fallback = "Nothing else matched: the tenant's Neo Support agent answers."
    return [first, Step(RouteKind.MSP_CHANNEL, False, none), Step(RouteKind.NEO_SUPPORT, True, fallback)]


def _refused(inbound: Inbound, failure: Failure) -> list[Step]:
    """A refusal by the first route ends the routing; a missing tenant is found only after it."""
    if failure.code == "end_company_not_mapped":
        reason = "The channel matches, but `inbound_tenant_id` is not linked to exactly one end company."
        return [Step(RouteKind.WHITE_LABEL, True, reason)]
    if isinstance(failure, ClientIdNotOwner):
        reason = "The channel matches, but it belongs to another tenant than `client_id`."
        return [Step(RouteKind.WHITE_LABEL, True, reason)]
    has_both = inbound.bot_id is not None and inbound.end_client_tenant_id is not None
    none = "No ACTIVE white-label channel of this bot is installed for `inbound_tenant_id`."
    first = Step(RouteKind.WHITE_LABEL, False, none if has_both else _missing(inbound))
    is_nameless = isinstance(failure, ClientIdRequired)
    reason = "No `client_id` was sent." if is_nameless else "There is no such tenant to act for."
    return [
        first,
        Step(RouteKind.MSP_CHANNEL, False, reason),
        Step(RouteKind.NEO_SUPPORT, False, reason),
    ]


def _missing(inbound: Inbound) -> str:
    missing = [
        name
        for name, value in (("bot_id", inbound.bot_id), ("inbound_tenant_id", inbound.end_client_tenant_id))
        if value is None
    ]
    return f"Not sent: {' and '.join(f'`{name}`' for name in missing)}."
