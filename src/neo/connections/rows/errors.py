from neo.errors import Edge, Failure, Kind


class ConnectionNotFound(Failure):
    """No such connection in your tenant."""

    kind = Kind.NOT_FOUND
    code = "connection_not_found"
    remedy = "Check the id."


class ConnectionToolNotFound(Failure):
    """The connection has no such tool: neither does its server list it, nor was it ever pinned."""

    kind = Kind.NOT_FOUND
    code = "connection_tool_not_found"
    remedy = "Take a name of `GET /public-api/connections/{id}/tools`; `POST .../check` reads the server's list again."


class ConnectionNameTaken(Failure):
    """Your tenant has a connection of this name."""

    kind = Kind.CONFLICT
    code = "connection_name_taken"
    remedy = "Choose another name: agents see tools under it."


class ConnectionUpdateConflict(Failure):
    """The connection is no longer at the `version` that you sent."""

    kind = Kind.CONFLICT
    code = "connection_update_conflict"
    remedy = "Read it again, then update it."


class ConnectionFieldImmutable(Failure):
    """`kind` and `audience` are fixed when a connection is made."""

    kind = Kind.INVALID
    code = "connection_field_immutable"
    remedy = "Make another connection."


class ConnectionKindMismatch(Failure):
    """A field does not go with the connection's kind, or one that its kind needs is missing."""

    kind = Kind.INVALID
    code = "connection_kind_mismatch"
    remedy = "See `details.fields`: HTTP_API takes either `openapi` or `operations`, MCP_HTTP takes neither."


class OperationsInvalid(Failure):
    """An operation of an HTTP API cannot be called as it is written; `details.fields` says which, and why."""

    kind = Kind.INVALID
    code = "operations_invalid"
    remedy = "Mend the operations that `details.fields` names."


class ConnectionTakesNoSecret(Failure):
    """The connection signs in with nothing (`NONE`)."""

    kind = Kind.CONFLICT
    code = "connection_takes_no_secret"
    remedy = "Set another `auth` first."


class ToolChanged(Failure):
    """The server says something else of the tool than what you looked at; `details.tools` names which."""

    kind = Kind.CONFLICT
    code = "tool_changed"
    remedy = "Read `GET /public-api/connections/{id}/tools` again, and pin what you have read."


class ToolUnusable(Failure):
    """A tool cannot be pinned as it is listed; `details.tools` says which, and why."""

    kind = Kind.CONFLICT
    code = "tool_unusable"
    remedy = "Have whoever runs the server mend it."


class ToolSettingsInvalid(Failure):
    """The settings of a tool do not fit together; `details.fields` says which."""

    kind = Kind.INVALID
    code = "tool_settings_invalid"
    remedy = "Send the settings that belong together in one request."


class TooManyChecks(Failure):
    """Too many of your tenant's connections are being checked at once."""

    kind = Kind.RATE_LIMITED
    code = "too_many_checks"
    remedy = "Wait for one to end: a check takes at most 15 s. What was changed is stored, and checked soon."


class ConnectionNeedsAuth(Failure):
    """The connection has no secret, or its server does not accept it: nothing is called."""

    kind = Kind.UNAVAILABLE
    code = "connection_needs_auth"
    remedy = "Give it a new secret: `PUT /public-api/connections/{id}/secret`."
    edges = (Edge.TURN,)


class ConnectionDisabled(Failure):
    """An Admin has switched the connection off."""

    kind = Kind.UNAVAILABLE
    code = "connection_disabled"
    remedy = "Switch it on: `PATCH /public-api/connections/{id}` with `disabled: false`."
    edges = (Edge.TURN,)
