"""The routing fields that the platform's relay sends with a message."""

from dataclasses import dataclass
from uuid import UUID

from neo.channels.errors import RoutingFieldInvalid
from neo.kit import find_guid


@dataclass(frozen=True)
class Inbound:
    """`client_id` is kept as it was sent: one that is no GUID is answered like one that no tenant has."""

    client_id: str | None
    bot_id: UUID | None
    end_client_tenant_id: UUID | None

    @classmethod
    def parse(cls, client_id: str | None, bot_id: str | None, inbound_tenant_id: str | None) -> "Inbound":
        return cls(client_id, _guid("bot_id", bot_id), _guid("inbound_tenant_id", inbound_tenant_id))

    @property
    def client(self) -> UUID | None:
        return find_guid(self.client_id)


def _guid(field: str, text: str | None) -> UUID | None:
    found = find_guid(text)
    if text is not None and found is None:
        raise RoutingFieldInvalid(f"`{field}` is not a GUID.", details={"fields": {field: "is not a GUID"}})
    return found
