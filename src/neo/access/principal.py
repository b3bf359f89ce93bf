from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Channel(StrEnum):
    """The surface that a session was opened from."""

    API = "API"
    DASHBOARD = "DASHBOARD"
    TEAMS = "TEAMS"


@dataclass(frozen=True)
class Principal:
    """Who is calling, for which tenant. `account_id` outlives the key: keys rotate, accounts stay."""

    tenant_id: UUID
    account_id: UUID
    key_id: UUID
    channel: Channel = Channel.API
