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
