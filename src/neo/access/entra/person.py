from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class EntraPerson:
    """Who a Microsoft Entra ID token speaks for. Only (`tid`, `oid`) identify; name and email are for display."""

    tid: UUID
    oid: UUID
    name: str | None
    email: str | None
    # App roles that the person's own organisation has given them.
    app_roles: frozenset[str]
    expires_at: float
    # A guest of the organisation: somebody who belongs to another one.
    is_guest: bool = False
