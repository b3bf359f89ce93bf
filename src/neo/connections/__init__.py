"""What a tenant's agents may call: MCP servers and HTTP APIs, and how a call to one ends.

A `Target` is one connection of one tenant: its address, what it signs in with, and where a company is named.
`Servers` opens clients of such targets; one client serves one turn and one connection and is shared
with nobody, so that no answer, no fault and no secret of one reaches another. Every way in which a call can end is an
`Outcome`, also when the server lies, hangs or is away: nothing raises but bugs and the caller's own cancellation.
`Outcome.is_sent` is false only if the first byte of the request has certainly not left. What a server says is data: it
is capped, and never becomes Neo's own words.

Stored, a `Connection` has an address, health and tools (`ConnectionStore`, `ToolStore`). Its secret is in the vault,
under a purpose that names where it may be sent: moved to another origin it has no secret and no pins. A tool is offered
only while what its server says of it is what somebody said yes to (`ToolState.PINNED`), and what was not set for it is
the careful choice (`used_effect`, `used_gate`). A turn takes its clients from `Clients.of_turn`:
`TurnClients.of(connection_id)` has `call(...)`, and `note` is told how a call ended.
"""

from neo.connections.breaker import Breakers
from neo.connections.clients import Clients, TurnClients
from neo.connections.http_api import (
    DocumentRefused,
    HttpApiClient,
    Imported,
    Operation,
    Parameter,
    Place,
    operations_of,
)
from neo.connections.mcp import McpClient
from neo.connections.outcome import Bytes, Content, Ending, Json, Outcome, Text
from neo.connections.rows.errors import (
    ConnectionDisabled,
    ConnectionNeedsAuth,
    ConnectionNotFound,
    ConnectionToolNotFound,
)
from neo.connections.rows.models import (
    Connection,
    ConnectionKind,
    ConnectionTool,
    Effect,
    Gate,
    Health,
    KeyedBy,
    ToolState,
    ToolTier,
)
from neo.connections.rows.store import ConnectionStore
from neo.connections.rows.tool_store import ToolStore
from neo.connections.schemas import Problem, SchemaRefused, checked_schema, problems_of
from neo.connections.servers import Servers
from neo.connections.target import (
    Auth,
    Bearer,
    ClientCredentials,
    CompanyPlaces,
    Header,
    NoAuth,
    Target,
)
from neo.connections.tokens import Tokens
from neo.connections.tools import Catalogue, ListedTool, digest_of

__all__ = [
    "Auth",
    "Bearer",
    "Breakers",
    "Bytes",
    "Catalogue",
    "ClientCredentials",
    "Clients",
    "CompanyPlaces",
    "Connection",
    "ConnectionDisabled",
    "ConnectionKind",
    "ConnectionNeedsAuth",
    "ConnectionNotFound",
    "ConnectionStore",
    "ConnectionTool",
    "ConnectionToolNotFound",
    "Content",
    "DocumentRefused",
    "Effect",
    "Ending",
    "Gate",
    "Header",
    "Health",
    "HttpApiClient",
    "Imported",
    "Json",
    "KeyedBy",
    "ListedTool",
    "McpClient",
    "NoAuth",
    "Operation",
    "Outcome",
    "Parameter",
    "Place",
    "Problem",
    "SchemaRefused",
    "Servers",
    "Target",
    "Text",
    "Tokens",
    "ToolState",
    "ToolStore",
    "ToolTier",
    "TurnClients",
    "checked_schema",
    "digest_of",
    "operations_of",
    "problems_of",
]
