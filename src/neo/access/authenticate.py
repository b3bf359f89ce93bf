"""From a bearer token to the principal who holds it. Each request makes one query, and no answer is cached, so that a
revoked credential stops at once.
"""

import asyncio
import base64
import binascii
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import orjson
import structlog
from sqlalchemy import func, update

from neo.access.credentials import Lookups
from neo.access.entra.person import EntraPerson
from neo.access.errors import (
    CredentialLapsed,
    CredentialMissing,
    TechnicianInactive,
    TenantNotOnboarded,
    TenantSuspended,
    Unauthenticated,
)
from neo.access.keys.format import KEY_PREFIX, KeyFormat, Pepper
from neo.access.keys.models import ApiKey
from neo.access.principal import CallerKind, Credential, CredentialKind, Principal, Role
from neo.access.session_tokens import ISSUER, SessionTokens
from neo.db import Database
from neo.errors import Failure

log = structlog.get_logger()

TOKEN_CHARACTERS_MAX = 8192
JWT_SEGMENTS = 3
USE_WRITTEN_EVERY = timedelta(seconds=30)
# Writes must not take the connections that requests need.
USES_WRITTEN_MAX = 4


class Verifier(Protocol):
    """Checks a Microsoft Entra ID access token and returns the person."""

    async def verify(self, token: str) -> EntraPerson: ...


class Enrolment(Protocol):
    """Adds a person to the tenant's roster at the first sign-in, and returns their role."""

    async def __call__(self, tenant_id: UUID, person: EntraPerson) -> Role: ...


class Authenticator:
    def __init__(
        self,
        database: Database,
        key_format: KeyFormat,
        secret_keys: tuple[str, ...],
        *,
        entra: Verifier | None,
        enrol: Enrolment,
    ) -> None:
        self._lookups = Lookups(database)
        self._format = key_format
        self._pepper = Pepper(secret_keys)
        self._session_tokens = SessionTokens(secret_keys)
        self._entra = entra
        self._enrol = enrol
        self._last_use = LastUse(database)

    async def authenticate(self, authorization: list[str]) -> Principal:
        """The principal behind the request's `Authorization` headers."""
        token = _bearer(authorization)
        if token.startswith(KEY_PREFIX):
            return await self._by_key(token)
        if _issuer(token) == ISSUER:
            return await self._by_session_token(token)
        return await self._by_entra(token)

    async def _by_key(self, key: str) -> Principal:
        if not self._format.is_wellformed(key):
            raise Unauthenticated("The API key is unknown, expired or revoked.")
        found = await self._lookups.api_key(self._pepper.digests(key))
        if found is None:
            raise Unauthenticated("The API key is unknown, expired or revoked.")
        if not found["is_live"]:
            raise CredentialLapsed("The API key is unknown, expired or revoked.")
        _check_tenant(is_suspended=found["is_suspended"])
        self._last_use.note(found["tenant_id"], found["id"], found["last_used_at"])
        return Principal(
            kind=CallerKind.PLATFORM if found["is_platform"] else CallerKind.SERVICE_ACCOUNT,
            tenant_id=found["tenant_id"],
            home_tenant_id=found["tenant_id"],
            account_id=found["account_id"],
            credential=Credential(
                CredentialKind.API_KEY, found["tenant_id"], found["id"], digest=found["digest"]
            ),
        )

    async def _by_session_token(self, token: str) -> Principal:
        jti, expires_at = self._session_tokens.verify(token)
        found = await self._lookups.session_token(jti)
        if found is None or not found["is_live"]:
            raise CredentialLapsed("The session token is expired or revoked: mint a new one.")
        _check_tenant(is_suspended=found["is_suspended"])
        return Principal(
            kind=CallerKind.END_USER,
            tenant_id=found["tenant_id"],
            home_tenant_id=found["tenant_id"],
            account_id=found["account_id"],
            credential=Credential(CredentialKind.SESSION_TOKEN, found["tenant_id"], jti, expires_at),
            session_id=found["session_id"],
            model_tier=found["model_tier"],
        )

    async def _by_entra(self, token: str) -> Principal:
        if self._entra is None:
            raise Unauthenticated("Send an API key: this server is not set up for Microsoft Entra ID tokens.")
        person = await self._entra.verify(token)
        found = await self._lookups.technician(person.tid, person.oid)
        if found is None:
            raise TenantNotOnboarded("Your organisation is not set up here: ask your provider to onboard it.")
        _check_tenant(is_suspended=found["is_suspended"])
        if found["role"] is not None and not found["is_active"]:
            raise TechnicianInactive("Your access was taken away: ask an Admin of your organisation.")
        role = Role(found["role"]) if found["role"] else await self._enrol(found["tenant_id"], person)
        return Principal(
            kind=CallerKind.TECHNICIAN,
            tenant_id=found["tenant_id"],
            home_tenant_id=found["tenant_id"],
            account_id=person.oid,
            credential=Credential(
                CredentialKind.TECHNICIAN, found["tenant_id"], person.oid, person.expires_at, role
            ),
            role=role,
        )


class LastUse:
    """Records when a key was last used, in the background and to about the minute."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._writing: dict[UUID, asyncio.Task[None]] = {}

    def note(self, tenant_id: UUID, key_id: UUID, before: datetime | None) -> None:
        is_fresh = before is not None and datetime.now(UTC) - before < USE_WRITTEN_EVERY
        if is_fresh or key_id in self._writing or len(self._writing) >= USES_WRITTEN_MAX:
            return
        task = asyncio.get_running_loop().create_task(self._write(tenant_id, key_id), name="key-last-use")
        self._writing[key_id] = task
        task.add_done_callback(lambda _: self._writing.pop(key_id, None))

    async def _write(self, tenant_id: UUID, key_id: UUID) -> None:
        mine = (ApiKey.tenant_id == tenant_id) & (ApiKey.id == key_id)
        try:
            async with self._database.transaction(tenant_id) as db:
                await db.execute(update(ApiKey).where(mine).values(last_used_at=func.now()))
        except Failure as failure:
            log.info("last_use_not_written", code=failure.code)


def _bearer(authorization: list[str]) -> str:
    if not authorization:
        raise CredentialMissing("Send your API key as `Authorization: Bearer neo_sk_...`.")
    scheme, _, token = authorization[0].partition(" ")
    if len(authorization) > 1 or scheme.lower() != "bearer" or not token or len(token) > TOKEN_CHARACTERS_MAX:
        raise CredentialMissing("Send one `Authorization: Bearer <token>` header.")
    return token


def _issuer(token: str) -> Any:
    """The issuer that the token names, unverified. It alone chooses the verifier; no second one is tried."""
    segments = token.split(".")
    if len(segments) != JWT_SEGMENTS:
        raise Unauthenticated("The token is neither an API key of this server nor a token that it knows.")
    try:
        payload = orjson.loads(base64.urlsafe_b64decode(segments[1] + "=" * (-len(segments[1]) % 4)))
    except (ValueError, binascii.Error) as error:
        raise Unauthenticated("The token is not valid.") from error
    return payload.get("iss") if isinstance(payload, dict) else None


def _check_tenant(*, is_suspended: bool) -> None:
    if is_suspended:
        raise TenantSuspended("This tenant is suspended: ask the operator.")
