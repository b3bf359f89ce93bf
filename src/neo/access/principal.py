"""Who is calling, and what is kept of who asked."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from neo.audit import Actor


class Surface(StrEnum):
    """Where a session was opened from; a session's `channel`."""

    API = "API"
    DASHBOARD = "DASHBOARD"
    TEAMS = "TEAMS"


class CallerKind(StrEnum):
    SERVICE_ACCOUNT = "service_account"
    PLATFORM = "platform"
    TECHNICIAN = "technician"
    END_USER = "end_user"


class Role(StrEnum):
    """What a technician may do: Admin everything, User their own chats, Viewer read."""

    ADMIN = "Admin"
    USER = "User"
    VIEWER = "Viewer"


class CredentialKind(StrEnum):
    API_KEY = "api_key"
    TECHNICIAN = "technician"
    SESSION_TOKEN = "session_token"  # noqa: S105 - a kind, no secret.


@dataclass(frozen=True, slots=True)
class Credential:
    """What a caller authenticated with; it may lapse while a tail is open. `tenant_id` is the tenant acted for."""

    kind: CredentialKind
    tenant_id: UUID
    id: UUID
    # When a token ends by itself, in epoch seconds.
    expires_at: float | None = None
    # The role that a technician was let in with: with another one they are let in anew.
    role: Role | None = None
    # Of an API key: what the database knows it by, and only its holder can say.
    digest: bytes | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is calling, for which tenant. `account_id` outlives the key: keys rotate, accounts stay.

    `home_tenant_id` differs from `tenant_id` only while the platform acts for another tenant.
    """

    kind: CallerKind
    tenant_id: UUID
    home_tenant_id: UUID
    account_id: UUID
    credential: Credential
    role: Role | None = None
    # The only session that an end user's token gives access to.
    session_id: UUID | None = None
    # The best tier that an end user's token may ask for, fixed when it was minted.
    model_tier: str | None = None

    @property
    def surface(self) -> Surface:
        surfaces = {CallerKind.TECHNICIAN: Surface.DASHBOARD, CallerKind.PLATFORM: Surface.TEAMS}
        return surfaces.get(self.kind, Surface.API)

    @property
    def actor(self) -> Actor:
        """The caller as the audit log records them, with their home tenant."""
        return Actor(self.kind, self.account_id, self.home_tenant_id, self.credential_id)

    @property
    def credential_id(self) -> UUID | None:
        """What is kept of the credential. An access token of Entra ID has no id of ours: the person is all there is."""
        return None if self.credential.kind is CredentialKind.TECHNICIAN else self.credential.id

    @property
    def is_platform(self) -> bool:
        return self.kind is CallerKind.PLATFORM

    @property
    def sees_workings(self) -> bool:
        """Whether the caller is shown how an answer came about: calls of tools, reasoning, models, tokens and their
        cost. An end user is shown the answer.
        """
        return self.kind is not CallerKind.END_USER

    @property
    def sees_whole_tenant(self) -> bool:
        """Whether the caller may read all of the tenant's sessions, and not only their own."""
        return self.kind is CallerKind.SERVICE_ACCOUNT or self.role is Role.ADMIN


@dataclass(frozen=True, slots=True)
class Author:
    """Who asked, and with which credential, as it is stored: it outlives the request, the credential and the account.

    `tenant_id` is the account's own tenant, which differs from the row's where the platform acted for another one. An
    end user has no account, only the session token.
    """

    kind: CallerKind
    id: UUID | None
    tenant_id: UUID
    credential_id: UUID | None

    @classmethod
    def of(cls, caller: Principal) -> "Author":
        # The account of an end user's principal is whoever opened the session, and they did not ask.
        account_id = None if caller.kind is CallerKind.END_USER else caller.account_id
        return cls(caller.kind, account_id, caller.home_tenant_id, caller.credential_id)

    def columns(self) -> dict[str, Any]:
        return {
            "author_kind": self.kind.value,
            "author_id": self.id,
            "author_tenant_id": self.tenant_id,
            "credential_id": self.credential_id,
        }


class Authored:
    """The columns of a row that says who asked for it; all are null in rows from before they were recorded."""

    author_kind: Mapped[str | None] = mapped_column()
    author_id: Mapped[UUID | None] = mapped_column()
    author_tenant_id: Mapped[UUID | None] = mapped_column()
    credential_id: Mapped[UUID | None] = mapped_column()

    @property
    def author(self) -> Author | None:
        if self.author_kind is None or self.author_tenant_id is None:
            return None
        return Author(CallerKind(self.author_kind), self.author_id, self.author_tenant_id, self.credential_id)
