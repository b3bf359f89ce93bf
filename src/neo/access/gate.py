"""What every route's dependency checks first: who is calling, how often, and whether they may."""

from collections.abc import Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from starlette.requests import Request

from neo.access.authenticate import Authenticator
from neo.access.credentials import Lookups
from neo.access.errors import CallerChanged, TenantSuspended, Unauthenticated
from neo.access.limits.failed_attempts import FailedAttempts
from neo.access.limits.requests import RequestLimiter
from neo.access.limits.shares import most_for
from neo.access.principal import Principal
from neo.access.rights import Right, check_right
from neo.api import add_headers, check_after_body, note_sender, phases_of
from neo.errors import Failure
from neo.telemetry import process_metrics


class Gate:
    """Authenticates and counts callers for the routes' dependencies, which find it as `app.state.gate`."""

    def __init__(
        self,
        authenticator: Authenticator,
        lookups: Lookups,
        limiter: RequestLimiter | None,
        failed_attempts: FailedAttempts | None,
    ) -> None:
        """Without a limiter or failed attempts there is no such limit."""
        self._authenticator = authenticator
        self._lookups = lookups
        self._limiter = limiter
        self._failed_attempts = failed_attempts

    async def authenticate(self, request: Request) -> Principal:
        """The caller, who is verified again when the request's body is in."""
        phases_of(request).mark("dispatch")
        caller = await self._verify(request)
        _bind_to_log(caller)

        async def is_still_the_same() -> None:
            if await self._verify(request) != caller:
                raise CallerChanged("Your role was changed while the request came in: send it again.")

        note_sender(request, caller.tenant_id, partial(most_for, caller))
        check_after_body(request, is_still_the_same)
        return caller

    async def charge(self, request: Request, caller: Principal, *, tenant_id: UUID | None = None) -> None:
        """Count the caller's request for a tenant, their own if none is named, and put what is left into the answer's
        headers.
        """
        charged = tenant_id or caller.tenant_id
        structlog.contextvars.bind_contextvars(tenant_id=str(charged))
        allowance = None if self._limiter is None else await self._limiter.take(charged, caller)
        phases_of(request).mark("limit")
        if allowance is not None:
            add_headers(request, allowance.headers())
            if allowance.is_exceeded:
                raise allowance.refusal()

    async def acting(self, request: Request, caller: Principal, session_id: UUID) -> Principal | None:
        """The caller, acting for the session's tenant. The platform's account acts only where it opened the session;
        otherwise this is None.
        """
        if not caller.is_platform:
            return caller
        tenant_id = await self._lookups.relayed_session(caller, session_id)
        if tenant_id is None:
            process_metrics.cross_tenant_denied.labels("relayed_session").inc()
            return None

        async def is_still_served() -> None:
            if await self._lookups.relayed_session(caller, session_id) is None:
                raise TenantSuspended("The session's tenant was suspended while the request came in.")

        check_after_body(request, is_still_served)
        note_sender(request, tenant_id, partial(most_for, caller))
        return acting_for(caller, tenant_id)

    async def session_of_token(self, jti: UUID) -> UUID | None:
        found = await self._lookups.session_token(jti)
        return found["session_id"] if found is not None else None

    async def _verify(self, request: Request) -> Principal:
        sent = request.headers.getlist("authorization")
        address, credential = request.client.host if request.client else "", "\n".join(sent)
        attempts = self._failed_attempts
        try:
            if sent and attempts is not None:
                await attempts.check(address, credential)
            caller = await self._authenticator.authenticate(sent)
        except Failure as failure:
            reason = failure.reason if isinstance(failure, Unauthenticated) else failure.code
            process_metrics.auth_failures.labels(reason).inc()
            if attempts is not None and isinstance(failure, Unauthenticated) and failure.is_guess:
                await attempts.count(address)
            raise
        else:
            if attempts is not None:
                attempts.note_good(credential)
            return caller
        finally:
            phases_of(request).mark("authenticate")


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
        await gate.charge(request, caller)
        check_right(caller, right)
        return caller

    return known_caller
