"""What a tenant's agents may call: MCP servers, and how a call to one ends.

A `Target` is one connection of one tenant: its address, what it signs in with, and where a company is named.
`McpServers` opens clients of such targets; one client serves one turn and one connection and is shared with nobody, so
that no answer, no fault and no secret of one reaches another. Every way in which a call can end is an `Outcome`, also
when the server lies, hangs or is away: nothing raises but bugs and the caller's own cancellation. `Outcome.is_sent` is
false only if the first byte of the request has certainly not left. What a server says is data: it is capped, and never
becomes Neo's own words.
"""

from neo.connections.breaker import Breakers
from neo.connections.mcp import McpClient, McpServers
from neo.connections.outcome import Bytes, Content, Ending, Json, Outcome, Text
from neo.connections.schemas import Problem, SchemaRefused, checked_schema, problems_of
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
    "CompanyPlaces",
    "Content",
    "Ending",
    "Header",
    "Json",
    "ListedTool",
    "McpClient",
    "McpServers",
    "NoAuth",
    "Outcome",
    "Problem",
    "SchemaRefused",
    "Target",
    "Text",
    "Tokens",
    "checked_schema",
    "digest_of",
    "problems_of",
]
