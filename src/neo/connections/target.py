"""One connection of one tenant, as a call needs it. The caller has read it from its rows, and opened its secrets."""

from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import quote

from neo.vault import Secret


@dataclass(frozen=True, slots=True)
class NoAuth:
    pass


@dataclass(frozen=True, slots=True)
class Bearer:
    token: Secret = field(repr=False)


@dataclass(frozen=True, slots=True)
class Header:
    name: str
    value: Secret = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCredentials:
    """OAuth 2.0: a token is fetched, kept until shortly before its end, and fetched anew once after a 401."""

    token_url: str
    client_id: str
    client_secret: Secret = field(repr=False)
    scope: str = ""
    resource: str = ""
    """The `resource` or `audience` that some servers ask for; empty: none is sent."""


Auth: TypeAlias = NoAuth | Bearer | Header | ClientCredentials


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyPlaces:
    """Where a call says which company it is for; a place that is None is not used."""

    header: str | None = None
    meta: str | None = None
    argument: str | None = None

    def put(
        self, company: str | None, *, arguments: dict[str, Any], headers: dict[str, str], meta: dict[str, Any]
    ) -> None:
        """Write the company where it belongs, over whatever stands there."""
        if company is None:
            return
        if self.argument is not None:
            arguments[self.argument] = company
        if self.meta is not None:
            meta[self.meta] = company
        if self.header is not None:
            headers[self.header] = quote(company, safe=" /:+@")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    tenant: str
    connection: str
    url: str
    auth: Auth = NoAuth()
    company: CompanyPlaces = CompanyPlaces()
    protocol: str | None = None
    """The protocol that the newest catalogue found the server to speak: it saves asking again. None: it is asked."""
    wants_arguments_in_headers: bool = False
    """Whether a tool of an MCP server has arguments that go with a call as headers too."""
    answer_bytes: int = 1024 * 1024

    def secrets(self) -> tuple[Secret, ...]:
        match self.auth:
            case Bearer(token=secret) | Header(value=secret) | ClientCredentials(client_secret=secret):
                return (secret,)
        return ()
