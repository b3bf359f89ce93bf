"""Why a caller is turned away, before anything is looked at."""

from neo.errors import Failure, Kind


class Unauthenticated(Failure):
    kind = Kind.UNAUTHENTICATED
    code = "unauthenticated"


class TenantNotOnboarded(Failure):
    kind = Kind.FORBIDDEN
    code = "tenant_not_onboarded"


class TenantSuspended(Failure):
    kind = Kind.FORBIDDEN
    code = "tenant_suspended"


class CallerNotAllowed(Failure):
    kind = Kind.FORBIDDEN
    code = "caller_not_allowed"


class DelegatedTokenNeeded(Failure):
    kind = Kind.FORBIDDEN
    code = "delegated_token_needed"


class ClientApplicationNotAllowed(Failure):
    kind = Kind.FORBIDDEN
    code = "client_application_not_allowed"
