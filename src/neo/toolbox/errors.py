from neo.errors import Failure, Kind


class ToolboxInvalid(Failure):
    """A field or a parameter has the wrong type or value."""

    kind = Kind.MALFORMED
    code = "validation_error"
    remedy = "See `details.fields`."


class ToolboxConnectionUnknown(Failure):
    """A toolbox names a connection that your tenant does not have, or one of another kind; `details.connections` says
    which.
    """

    kind = Kind.INVALID
    code = "toolbox_connection_unknown"
    remedy = "Take ids of `GET /public-api/connections`."


class ToolboxAudienceMismatch(Failure):
    """A toolbox names connections for another audience than its agent's; `details.connections` says which."""

    kind = Kind.INVALID
    code = "toolbox_audience_mismatch"
    remedy = "Make connections of their own for agents that serve your customers' people."
