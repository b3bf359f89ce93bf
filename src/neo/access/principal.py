from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

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
    def sees_whole_tenant(self) -> bool:
        """Whether the caller may read all of the tenant's sessions, and not only their own."""
        return self.kind is CallerKind.SERVICE_ACCOUNT or self.role is Role.ADMIN
