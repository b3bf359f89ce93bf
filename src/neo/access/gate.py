"""Who may do what, and what every route's dependency checks first: who is calling, how often, and whether they may."""

from collections.abc import Callable, Coroutine
from dataclasses import replace
from enum import StrEnum
from typing import Any
from uuid import UUID

import structlog
from starlette.requests import Request

from neo.access.authenticate import Authenticator
from neo.access.credentials import Lookups
from neo.access.errors import CallerNotAllowed, Unauthenticated
from neo.access.limits.failed_attempts import FailedAttempts
from neo.access.limits.requests import RequestLimiter
from neo.access.principal import CallerKind, Principal, Role
from neo.api import add_headers, phases_of
from neo.errors import Failure
from neo.telemetry import process_metrics


class Right(StrEnum):
    """What a route does; the value completes the sentence that refuses it."""

    OPEN_SESSION = "open sessions"
    LIST_SESSIONS = "list sessions"
    READ_SESSION = "read this session"
    READ_TURN = "read turns"
    TALK = "post to sessions"
    CLOSE_SESSION = "close sessions"
    MINT_TOKEN = "mint or revoke session tokens"  # noqa: S105 - a right, no secret.
    VIEW_TENANT = "read the tenant's setup"
    MANAGE_TENANT = "change the tenant's setup"
    GOVERN = "manage API keys and roles"
    READ_AUDIT = "read the audit log"
    EXPLAIN_ROUTE = "resolve routes"
    RELAY = "act as the platform's relay"


_CHAT = {
    Right.OPEN_SESSION,
    Right.READ_SESSION,
    Right.READ_TURN,
    Right.TALK,
    Right.CLOSE_SESSION,
    Right.MINT_TOKEN,
}
_READ = {Right.LIST_SESSIONS, Right.READ_SESSION, Right.READ_TURN, Right.VIEW_TENANT}
_MANAGE = {Right.VIEW_TENANT, Right.MANAGE_TENANT, Right.READ_AUDIT}

RIGHTS: dict[CallerKind | Role, frozenset[Right]] = {
    CallerKind.SERVICE_ACCOUNT: frozenset(_CHAT | _READ | _MANAGE),
    CallerKind.PLATFORM: frozenset(_CHAT | {Right.EXPLAIN_ROUTE, Right.RELAY}),
    CallerKind.END_USER: frozenset({Right.READ_SESSION, Right.TALK}),
    Role.ADMIN: frozenset(_CHAT | _READ | _MANAGE | {Right.GOVERN, Right.EXPLAIN_ROUTE}),
    Role.USER: frozenset(_CHAT | _READ),
    Role.VIEWER: frozenset(_READ),
}

_WHO = {
    CallerKind.SERVICE_ACCOUNT: "An API key",
    CallerKind.PLATFORM: "A platform service account",
    CallerKind.END_USER: "A session token",
    Role.ADMIN: "The role Admin",
    Role.USER: "The role User",
    Role.VIEWER: "The role Viewer",
}


def check_right(caller: Principal, right: Right) -> None:
    who = caller.role or caller.kind
    if right not in RIGHTS[who]:
        raise CallerNotAllowed(f"{_WHO[who]} may not {right.value}.")


class Gate:
    """Authenticates and counts callers for the routes' dependencies, which find it as `app.state.gate`."""

    def __init__(
        self,
        authenticator: Authenticator,
        lookups: Lookups,
        limiter: RequestLimiter,
        failed_attempts: FailedAttempts,
    ) -> None:
        self._authenticator = authenticator
        self._lookups = lookups
        self._limiter = limiter
        self._failed_attempts = failed_attempts

    async def authenticate(self, request: Request) -> Principal:
        phases_of(request).mark("dispatch")
        try:
            caller = await self._authenticator.authenticate(request.headers.getlist("authorization"))
        except Failure as failure:
            process_metrics.auth_failed(
                failure.reason if isinstance(failure, Unauthenticated) else failure.code
            )
            if isinstance(failure, Unauthenticated) and failure.is_guess:
                await self._failed_attempts.count(request.client.host if request.client else "")
            raise
        finally:
            phases_of(request).mark("authenticate")
        _bind_to_log(caller)
        return caller

    async def charge(self, request: Request, tenant_id: UUID) -> None:
        """Count the request for its tenant, and put what is left into the answer's headers."""
        structlog.contextvars.bind_contextvars(tenant_id=str(tenant_id))
        allowance = await self._limiter.take(tenant_id)
        phases_of(request).mark("limit")
        if allowance is not None:
            add_headers(request, allowance.headers())
            if allowance.is_exceeded:
                raise allowance.refusal()

    async def acting(self, caller: Principal, session_id: UUID) -> Principal | None:
        """The caller, acting for the session's tenant. The platform's account acts only where it opened the session;
        otherwise this is None.
        """
        if not caller.is_platform:
            return caller
        tenant_id = await self._lookups.relayed_session(caller, session_id)
        if tenant_id is None:
            process_metrics.cross_tenant_denied("relayed_session")
            return None
        return acting_for(caller, tenant_id)

    async def session_of_token(self, jti: UUID) -> UUID | None:
        found = await self._lookups.session_token(jti)
        return found["session_id"] if found is not None else None


def _bind_to_log(caller: Principal) -> None:
    """Every later line of the request's log names its tenant, account and credential."""
    structlog.contextvars.bind_contextvars(
        tenant_id=str(caller.tenant_id),
        account_id=str(caller.account_id),
        credential_id=str(caller.credential.id),
    )


def acting_for(platform: Principal, tenant_id: UUID) -> Principal:
    """The platform, acting for another tenant. No other code changes a principal's tenant."""
    credential = replace(platform.credential, tenant_id=tenant_id)
    return replace(platform, tenant_id=tenant_id, credential=credential)


def caller_with(right: Right) -> Callable[[Request], Coroutine[Any, Any, Principal]]:
    """A dependency: authenticates the caller, counts the request and checks the right."""

    async def known_caller(request: Request) -> Principal:
        gate: Gate = request.app.state.gate
        caller = await gate.authenticate(request)
        await gate.charge(request, caller.tenant_id)
        check_right(caller, right)
        return caller

    return known_caller
