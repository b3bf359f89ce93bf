from neo.errors import Failure, Kind


class AgentNotFound(Failure):
    kind = Kind.NOT_FOUND
    code = "agent_not_found"


class AgentVersionNotFound(Failure):
    kind = Kind.NOT_FOUND
    code = "agent_version_not_found"


class AgentNotConversational(Failure):
    kind = Kind.INVALID
    code = "agent_not_conversational"


class AutonomyTypeNotSupported(Failure):
    kind = Kind.INVALID
    code = "autonomy_type_not_supported"


class AgentFieldImmutable(Failure):
    kind = Kind.INVALID
    code = "agent_field_immutable"


class AgentAccessInvalid(Failure):
    kind = Kind.INVALID
    code = "agent_access_invalid"


class AgentManagedByNeo(Failure):
    kind = Kind.FORBIDDEN
    code = "agent_managed_by_neo"


class AgentUpdateConflict(Failure):
    kind = Kind.CONFLICT
    code = "agent_update_conflict"


class AgentInUse(Failure):
    kind = Kind.CONFLICT
    code = "agent_in_use"


class EntraTenantTaken(Failure):
    kind = Kind.CONFLICT
    code = "entra_tenant_taken"


class TimezoneUnknown(Failure):
    kind = Kind.INVALID
    code = "timezone_unknown"
