"""Opening a session for the platform's relay, where its message is routed."""

from sqlalchemy.ext.asyncio import AsyncSession

from neo.access import CountedRoom, Principal, acting_for
from neo.audit import AuditStore
from neo.channels import Destination, Inbound, Route, TenantNotFound, find_destination, find_route
from neo.chat.errors import AgentIdNotAllowed
from neo.chat.open import Opening, add_session, check_opening, not_one_selector
from neo.db import Database
from neo.sessions import ChatSession, SessionStore
from neo.telemetry import process_metrics
from neo.tenants import find_tenant

# A route may move while a session is being opened: each time, all of it is looked at again.
ROUTE_ATTEMPTS_MAX = 3


class RelayDesk:
    """Whom the message is for is found first, so that the request is charged before anything is stored for it."""

    def __init__(self, database: Database, room: CountedRoom) -> None:
        self._database = database
        self._room = room

    async def find(self, wanted: Opening) -> Destination:
        _check(wanted)
        return await find_destination(self._database, _inbound(wanted))

    async def open(self, platform: Principal, wanted: Opening, destination: Destination) -> ChatSession:
        """A session in the tenant that the message is for, if that is the one that it names, or it names none."""
        for _ in range(ROUTE_ATTEMPTS_MAX):
            if destination.is_contradicted:
                await self._record_refusal(platform, wanted, destination)
            destination.check()
            caller = acting_for(platform, destination.tenant_id)
            async with self._database.transaction(caller.tenant_id) as db:
                route = await find_route(db, destination, _inbound(wanted))
                if route is not None:
                    await self._room.take(db, caller, SessionStore(db, caller.tenant_id).all())
                    return await _add(db, caller, wanted, route)
            destination = await self.find(wanted)
        raise TenantNotFound("No such tenant.")

    async def _record_refusal(self, platform: Principal, wanted: Opening, destination: Destination) -> None:
        """Both tenants read of it in their own log. Neither learns who the other is, nor the owner who wrote."""
        process_metrics.cross_tenant_denied.labels("client_id_not_owner").inc()
        inbound = _inbound(wanted)
        for tenant_id, end_user in ((destination.tenant_id, None), (inbound.client, wanted.end_user)):
            if tenant_id is None:
                continue
            async with self._database.transaction(tenant_id) as db:
                if await find_tenant(db, tenant_id) is not None:
                    details = {"inbound_tenant_id": str(inbound.end_client_tenant_id)}
                    await AuditStore(db, tenant_id).add(
                        platform.actor,
                        "session.relay_refused",
                        "bot",
                        inbound.bot_id,
                        end_user=end_user,
                        details=details,
                    )


def _check(wanted: Opening) -> None:
    if wanted.agent_id is not None:
        if wanted.managed_agent_key is not None:
            raise not_one_selector()
        raise AgentIdNotAllowed("A platform service account is routed by `bot_id`: omit `agent_id`.")
    check_opening(wanted)


def _inbound(wanted: Opening) -> Inbound:
    return Inbound.parse(wanted.client_id, wanted.bot_id, wanted.inbound_tenant_id)


async def _add(db: AsyncSession, caller: Principal, wanted: Opening, route: Route) -> ChatSession:
    session = await add_session(
        db,
        caller,
        wanted,
        agent_id=route.agent_id,
        audience=route.audience,
        channel_id=route.channel_id,
        show_agent_progress_steps=route.show_agent_progress_steps,
        end_company_id=route.end_company_id,
        actor_tenant_id=caller.home_tenant_id,
    )
    details = {"route": route.kind, "agent_id": route.agent_id, "end_company_id": route.end_company_id}
    await AuditStore(db, caller.tenant_id).add(
        caller.actor, "session.relayed", "chat_session", session.id, end_user=wanted.end_user, details=details
    )
    return session
