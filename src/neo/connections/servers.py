"""Opens clients of connections. Nothing is sent before the first call."""

from collections.abc import Iterable

from neo.connections.breaker import Breakers
from neo.connections.http_api import HttpApiClient, Operation
from neo.connections.line import Line
from neo.connections.mcp import McpClient
from neo.connections.sign_in import SignIn
from neo.connections.target import Target
from neo.connections.tokens import Tokens
from neo.egress import Egress


class Servers:
    """What the clients of a process share: the way out, tokens, and who is known to be down."""

    def __init__(self, egress: Egress) -> None:
        self._egress = egress
        self._tokens = Tokens(egress)
        self._breakers = Breakers()

    def mcp(self, target: Target) -> McpClient:
        return McpClient(self._line(target))

    def http_api(self, target: Target, operations: Iterable[Operation]) -> HttpApiClient:
        return HttpApiClient(self._line(target), operations)

    def _line(self, target: Target) -> Line:
        return Line(
            target=target,
            egress=self._egress,
            sign_in=SignIn(target, self._tokens),
            breaker=self._breakers.of(target.tenant, target.connection),
        )
