from neo.errors import Failure, Kind


class AgentNotFound(Failure):
    """No such agent in your tenant."""

    kind = Kind.NOT_FOUND
    code = "agent_not_found"
    remedy = "Check `agent_id`."


class AgentVersionNotFound(Failure):
    """The agent has no such version."""

    kind = Kind.NOT_FOUND
    code = "agent_version_not_found"
    remedy = "List its versions."


class AgentNotConversational(Failure):
    """The agent is not one to chat with."""

    kind = Kind.INVALID
    code = "agent_not_conversational"
    remedy = "Choose a CONVERSATIONAL agent."


class AutonomyTypeNotSupported(Failure):
    """Only CONVERSATIONAL agents can be created yet."""

    kind = Kind.INVALID
    code = "autonomy_type_not_supported"
    remedy = "Send `autonomy_type` CONVERSATIONAL."


class AgentFieldImmutable(Failure):
    """An agent's `autonomy_type` and `audience` cannot be changed."""

    kind = Kind.INVALID
    code = "agent_field_immutable"
    remedy = "Create another agent."


class AgentAccessInvalid(Failure):
    """`access_user_ids` goes with SPECIFIC_USERS, and names somebody then."""

    kind = Kind.INVALID
    code = "agent_access_invalid"
    remedy = "See `details.fields`."


class AgentManagedByNeo(Failure):
    """Neo's own agent can be neither changed nor deleted."""

    kind = Kind.FORBIDDEN
    code = "agent_managed_by_neo"
    remedy = "Create an agent of your own."


class AgentUpdateConflict(Failure):
    """The agent is no longer at the `version` that you sent; `details.version` is the current one."""

    kind = Kind.CONFLICT
    code = "agent_update_conflict"
    remedy = "Read it again, then update it."


class AgentInUse(Failure):
    """A channel is bound to the agent."""

    kind = Kind.CONFLICT
    code = "agent_in_use"
    remedy = "Bind the channel to another one, or delete it."


class EntraTenantTaken(Failure):
    """Another tenant has this Microsoft tenant."""

    kind = Kind.CONFLICT
    code = "entra_tenant_taken"
    remedy = "Check the id."


class TimezoneUnknown(Failure):
    """The time zone is not a name of the IANA database."""

    kind = Kind.INVALID
    code = "timezone_unknown"
    remedy = "Such as `Europe/Berlin`."
