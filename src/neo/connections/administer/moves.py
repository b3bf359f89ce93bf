"""What a change takes from a connection: no secret is sent to another place, and a yes is no yes to another server."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from neo.connections.rows.destination import origin_of, purpose_of
from neo.connections.rows.models import Connection, ConnectionKind, Health
from neo.connections.rows.tool_store import ToolStore
from neo.vault import KeyWrapping, SecretStore

IMMUTABLE = ("kind", "audience")


@dataclass(frozen=True)
class Move:
    """`secret_id` is that of the secret to drop, if there is one."""

    kind: str
    came_from: str
    went_to: str
    secret_id: Any
    drops_secret: bool

    @classmethod
    def of(cls, connection: Connection, changes: dict[str, Any]) -> "Move":
        url, auth = changes.get("url", connection.url), changes.get("auth", connection.auth)
        is_elsewhere = purpose_of(url, auth) != purpose_of(connection.url, connection.auth)
        drops = is_elsewhere and connection.secret_id is not None
        return cls(connection.kind, origin_of(connection.url), origin_of(url), connection.secret_id, drops)

    @property
    def is_to_another_server(self) -> bool:
        return self.came_from != self.went_to

    def columns(self) -> dict[str, Any]:
        """What changes with it; the row lets go of the secret before that is deleted."""
        dropped = {"secret_id": None, "secret_expires_at": None} if self.drops_secret else {}
        is_listed_anew = self.is_to_another_server and self.kind == ConnectionKind.MCP_HTTP
        moved = {"is_cut": False} if is_listed_anew else {}
        return {**dropped, **moved}

    async def finish(self, db: AsyncSession, connection: Connection, wrapping: KeyWrapping) -> dict[str, Any]:
        """Drop what does not go along; returns what the audit log says of it, nothing if there is nothing to say."""
        tenant_id, unpinned = connection.tenant_id, 0
        if self.drops_secret:
            await SecretStore(db, tenant_id, wrapping).delete(self.secret_id)
        if self.is_to_another_server:
            unpinned = await _forget_pins(db, connection)
        if not self.is_to_another_server and not self.drops_secret:
            return {}
        places = {"from": self.came_from, "to": self.went_to}
        return {**places, "secret_dropped": self.drops_secret, "tools_dropped": unpinned}


async def _forget_pins(db: AsyncSession, connection: Connection) -> int:
    tools = ToolStore(db, connection.tenant_id)
    if connection.kind == ConnectionKind.HTTP_API:
        # Its operations are the tenant's own words, which no server tells again.
        return await tools.unpin_all(connection.id)
    return await tools.delete_all(connection.id)


def anew() -> dict[str, Any]:
    """Of a connection whose server is to be asked again: nothing is known of it."""
    return {"health": Health.DOWN, "failures": 0, "protocol": None}
