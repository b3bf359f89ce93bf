"""The request and response bodies of connections."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from neo.agents import Audience
from neo.api import Line, Moment, left_alone
from neo.connections.administer.addresses import (
    NAME_CHARACTERS_MAX,
    checked_address,
    checked_company_header,
    checked_header,
    checked_name,
)
from neo.connections.administer.operations import OpenApi, WrittenOperation
from neo.connections.rows.models import AuthType, ConnectionKind
from neo.connections.tools import TOOLS_MAX
from neo.vault import Secret

# Tokens of identity providers have some thousands of characters.
SECRET_CHARACTERS_MAX = 8_192


def _short_enough(value: Secret) -> Secret:
    if len(value.reveal()) > SECRET_CHARACTERS_MAX:
        raise PydanticCustomError("secret", f"has more than {SECRET_CHARACTERS_MAX} characters")
    return value


ConnectionName = Annotated[
    str, StringConstraints(min_length=1, max_length=NAME_CHARACTERS_MAX), AfterValidator(checked_name)
]
Address = Annotated[str, StringConstraints(max_length=2_000), AfterValidator(checked_address)]
HeaderName = Annotated[str, AfterValidator(checked_header)]
CompanyHeader = Annotated[str, AfterValidator(checked_company_header)]
ShortLine = Annotated[Line, StringConstraints(min_length=1, max_length=500)]
Operations = Annotated[list[WrittenOperation], Field(min_length=1, max_length=TOOLS_MAX)]
SecretValue = Annotated[Secret, AfterValidator(_short_enough)]

NAME_TEXT = (
    "1 to 24 characters of a-z, 0-9 and single `-` or `_`, your tenant's only one of this name. Agents see its tools "
    "as `<name>__<tool>`."
)
URL_TEXT = (
    "The server's https address, without a query. Private addresses must be listed by the operator in "
    "`NEO_EGRESS_PRIVATE`: else `422 egress_refused`. Moved to another host or port, a connection loses its secret and "
    "all its pins."
)
AUDIENCE_TEXT = "Which agents may use it: those for your own people, or those for your customers'. Immutable."
UNTRUSTED_TEXT = "Whether strangers write what its tools answer: tickets, mails, web pages."
OPENAPI_TEXT = (
    "Of an HTTP_API: an OpenAPI 3 document, as JSON or as a text of JSON, of at most 1 MiB with the body; an object of "
    "more than 5,000 values is sent as a text. Its `servers` and `security` count for nothing. What cannot be called "
    "is listed with its `problem`; where nothing can: `422 openapi_refused`."
)
OPERATIONS_TEXT = (
    "Of an HTTP_API, in place of `openapi`: its operations. At most 300: else `422 operations_invalid`."
)
ANEW_TEXT = "Replaces all: what is not as it was pinned is CHANGED, NEW or GONE."
AUTH_TEXT = "How Neo signs in. The secret itself is sent apart and never returned."


class NoneAuth(BaseModel):
    type: Literal[AuthType.NONE]


class BearerAuth(BaseModel):
    """`Authorization: Bearer <secret>`."""

    type: Literal[AuthType.BEARER]


class HeaderAuth(BaseModel):
    """`<header>: <secret>`."""

    type: Literal[AuthType.HEADER]
    header: HeaderName


class ClientCredentialsAuth(BaseModel):
    """OAuth 2.0 client credentials; the secret is the client's. Tokens are renewed before they end and on a 401."""

    type: Literal[AuthType.OAUTH_CLIENT_CREDENTIALS]
    token_url: Address
    client_id: ShortLine
    scope: ShortLine | None = None
    resource: ShortLine | None = None


ConnectionAuth = Annotated[
    NoneAuth | BearerAuth | HeaderAuth | ClientCredentialsAuth, Field(discriminator="type")
]


class ConnectionSecret(BaseModel):
    """What the connection signs in with: sealed when it is stored, and never returned."""

    value: SecretValue = Field(description="One line of printable ASCII, at most 8,192 characters.")
    expires_at: Moment | None = Field(
        None, description="When it ends, if you know; it is shown with the connection."
    )


class CompanyIn(BaseModel):
    """Where a call says for which end company it is, when its session is bound to one."""

    header: CompanyHeader | None = None
    meta: ShortLine | None = Field(None, description="A name in the call's `_meta`.")
    argument: ShortLine | None = Field(
        None,
        description="The name of an argument. Neo writes it, and models are not told of it; a call that names another "
        "company is refused.",
    )
    required: bool = Field(
        default=False,
        description="Whether calls of sessions that are bound to no company are refused. For END_USER they are.",
    )


class CreateConnection(BaseModel):
    name: ConnectionName = Field(description=NAME_TEXT)
    kind: ConnectionKind = Field(description="An MCP server over streamable HTTP, or an HTTP API. Immutable.")
    url: Address = Field(description=URL_TEXT)
    audience: Audience = Field(Audience.MSP, description=AUDIENCE_TEXT)
    untrusted: bool = Field(default=False, description=UNTRUSTED_TEXT)
    auth: ConnectionAuth = Field(default_factory=lambda: NoneAuth(type=AuthType.NONE), description=AUTH_TEXT)
    secret: ConnectionSecret | None = Field(None, description="Not with `auth` NONE; it may be sent later.")
    company_in: CompanyIn = Field(
        default_factory=lambda: CompanyIn(header=None, meta=None, argument=None, required=False)
    )
    openapi: OpenApi | None = Field(None, description=OPENAPI_TEXT)
    operations: Operations | None = Field(None, description=OPERATIONS_TEXT)

    @model_validator(mode="after")
    def _needs_the_secret(self) -> "CreateConnection":
        if self.secret is not None and isinstance(self.auth, NoneAuth):
            raise PydanticCustomError("secret", "a secret is sent with an `auth` that uses it")
        return self


class UpdateConnection(BaseModel):
    """A partial update: what is left out stays as it is."""

    name: ConnectionName = left_alone(NAME_TEXT)
    url: Address = left_alone(URL_TEXT)
    untrusted: bool = left_alone(UNTRUSTED_TEXT)
    auth: ConnectionAuth = left_alone(f"{AUTH_TEXT} Another type, or token address, drops the secret.")
    company_in: CompanyIn = left_alone("Replaces it as a whole.")
    openapi: OpenApi = left_alone(f"{OPENAPI_TEXT} {ANEW_TEXT}")
    operations: Operations = left_alone(f"{OPERATIONS_TEXT} {ANEW_TEXT}")
    disabled: bool = left_alone("Switched off, it is neither called nor checked; secret and pins stay.")
    kind: ConnectionKind = left_alone("Immutable: the connection's own, or left out.")
    audience: Audience = left_alone("Immutable: the connection's own, or left out.")
    version: int = left_alone("The version that you read; when it is not the current one: 409.")


class LastError(BaseModel):
    """What went wrong the last time, in Neo's words."""

    code: str
    message: str
    at: datetime


class ToolCounts(BaseModel):
    """How many tools are in each state."""

    pinned: int
    new: int
    changed: int
    gone: int


class ConnectionResource(BaseModel):
    """A server that your agents may call."""

    id: str
    name: str
    kind: ConnectionKind
    url: str
    audience: Audience
    untrusted: bool
    auth: dict[str, Any]
    company_in: dict[str, Any]
    disabled: bool
    status: Literal["OK", "NEEDS_AUTH", "DOWN", "CHANGED", "DISABLED"] = Field(
        description="NEEDS_AUTH: no secret, or the server does not accept it; nothing is called. DOWN: the last check "
        "failed. CHANGED: pinned tools are not as they were, and are not offered until you pin them again."
    )
    tools: ToolCounts
    tools_cut: bool = Field(description="Whether the server lists more tools than the 300 that are kept.")
    has_secret: bool
    secret_expires_at: datetime | None
    checked_at: datetime | None
    last_success_at: datetime | None
    last_error: LastError | None = Field(description="The last one, also when it is over.")
    version: int = Field(description="Counts the changes, from 1; what checks find does not count.")
    created_at: datetime
    updated_at: datetime


class DeletedConnection(BaseModel):
    """The connection that is no more, nor is its secret."""

    id: str
    deleted: bool
