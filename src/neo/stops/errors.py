from neo.errors import Failure, Kind


class ToolStopNotFound(Failure):
    """No such stop in your tenant: perhaps it was lifted."""

    kind = Kind.NOT_FOUND
    code = "tool_stop_not_found"
    remedy = "Take an id of `GET /public-api/tool-stops`."


class ToolStopTargetNotFound(Failure):
    """Your tenant has nothing of this scope with this id: nothing would have been stopped."""

    kind = Kind.NOT_FOUND
    code = "tool_stop_target_not_found"
    remedy = "Check `scope`, `id` and `tool`; a stop of the scope TENANT stops everything."
