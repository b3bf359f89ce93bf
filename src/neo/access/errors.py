"""Why a caller is turned away, before anything is looked at."""

from typing import ClassVar

from neo.errors import Failure, Kind


class Unauthenticated(Failure):
    """Nobody we know: counted as a guess. `reason` is for the metrics; the caller is not told it."""

    kind = Kind.UNAUTHENTICATED
    code = "unauthenticated"
    reason: ClassVar[str] = "unknown"
    is_guess: ClassVar[bool] = True


class CredentialMissing(Unauthenticated):
    """Nothing was shown, so nothing was guessed."""

    reason = "missing"
    is_guess = False


class CredentialLapsed(Unauthenticated):
    """Was good once: expired or revoked."""

    reason = "lapsed"
    is_guess = False


class TooManyFailedAttempts(Failure):
    kind = Kind.RATE_LIMITED
    code = "too_many_failed_attempts"


class TenantNotOnboarded(Failure):
    kind = Kind.FORBIDDEN
    code = "tenant_not_onboarded"


class TenantSuspended(Failure):
    kind = Kind.FORBIDDEN
    code = "tenant_suspended"


class TechnicianInactive(Failure):
    kind = Kind.FORBIDDEN
    code = "technician_inactive"


class CallerNotAllowed(Failure):
    kind = Kind.FORBIDDEN
    code = "caller_not_allowed"


class DelegatedTokenNeeded(Failure):
    kind = Kind.FORBIDDEN
    code = "delegated_token_needed"


class ClientApplicationNotAllowed(Failure):
    kind = Kind.FORBIDDEN
    code = "client_application_not_allowed"


class IdentityProviderUnavailable(Failure):
    kind = Kind.UNAVAILABLE
    code = "identity_provider_unavailable"


class ApiKeyNotFound(Failure):
    kind = Kind.NOT_FOUND
    code = "api_key_not_found"


class ApiKeyNotRotatable(Failure):
    kind = Kind.CONFLICT
    code = "api_key_not_rotatable"


class TooManyApiKeys(Failure):
    kind = Kind.CONFLICT
    code = "too_many_api_keys"


class ApiKeyExpiryInvalid(Failure):
    kind = Kind.INVALID
    code = "api_key_expiry_invalid"
