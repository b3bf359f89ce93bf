"""Why a caller is refused, and what can be wrong with an API key."""

from typing import ClassVar

from neo.errors import Failure, Kind


class Unauthenticated(Failure):
    """No key, or one that is unknown, expired or revoked."""

    # An unknown credential counts as a guess. `reason` goes to the metrics and never into the answer.
    kind = Kind.UNAUTHENTICATED
    code = "unauthenticated"
    remedy = "Send `Authorization: Bearer neo_sk_...`."
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
    """More than ten wrong credentials in a minute from this address. Good ones are served all the time."""

    kind = Kind.RATE_LIMITED
    code = "too_many_failed_attempts"
    remedy = "Wait for `Retry-After`, and mend the credential."


class TenantNotOnboarded(Failure):
    """The Microsoft token is good, but its organisation is not set up here."""

    kind = Kind.FORBIDDEN
    code = "tenant_not_onboarded"
    remedy = "Ask your provider to onboard it."


class TenantSuspended(Failure):
    """The operator has suspended the tenant."""

    kind = Kind.FORBIDDEN
    code = "tenant_suspended"
    remedy = "Ask the operator."


class TechnicianInactive(Failure):
    """An Admin has taken this person's access away."""

    kind = Kind.FORBIDDEN
    code = "technician_inactive"
    remedy = "Ask an Admin of your organisation."


class CallerNotAllowed(Failure):
    """Known, but this kind of caller or role may not do this."""

    kind = Kind.FORBIDDEN
    code = "caller_not_allowed"
    remedy = "Use another credential; the message says what was refused."


class CallerChanged(Failure):
    """The caller's role was changed between the head of the request and the end of its body."""

    kind = Kind.FORBIDDEN
    code = "caller_changed"
    remedy = "Send the request again."


class DelegatedTokenNeeded(Failure):
    """The Microsoft Entra ID token is an application's own, or lacks this server's scope."""

    kind = Kind.FORBIDDEN
    code = "delegated_token_needed"
    remedy = "Sign a person in, and ask for the scope."


class ClientApplicationNotAllowed(Failure):
    """The application that got the Microsoft Entra ID token is not one that may call this server."""

    kind = Kind.FORBIDDEN
    code = "client_application_not_allowed"
    remedy = "Use an allowed one, or have it added to `NEO_ENTRA_CLIENT_IDS`."


class IdentityProviderUnavailable(Failure):
    """Microsoft Entra ID's signing keys could not be fetched yet, so no token can be checked."""

    kind = Kind.UNAVAILABLE
    code = "identity_provider_unavailable"
    remedy = "Try again after `Retry-After`."


class ApiKeyNotFound(Failure):
    """No such API key in your tenant."""

    kind = Kind.NOT_FOUND
    code = "api_key_not_found"
    remedy = "List the keys."


class ApiKeyNotRotatable(Failure):
    """The key is revoked, expired or rotated already."""

    kind = Kind.CONFLICT
    code = "api_key_not_rotatable"
    remedy = "Create a new one."


class ApiKeyExpiryInvalid(Failure):
    """A key expires in the future and within ten years, or never."""

    kind = Kind.INVALID
    code = "api_key_expiry_invalid"
    remedy = "Leave `expires_at` out."
