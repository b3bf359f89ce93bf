from neo.errors import Failure, Kind


class TechnicianNotFound(Failure):
    """No such person in your tenant's roster."""

    kind = Kind.NOT_FOUND
    code = "technician_not_found"
    remedy = "Check `user_id`."


class TechnicianExists(Failure):
    """The person is in the roster already."""

    kind = Kind.CONFLICT
    code = "technician_exists"
    remedy = "Update them."


class LastAdmin(Failure):
    """It would leave the tenant without an active Admin."""

    kind = Kind.CONFLICT
    code = "last_admin"
    remedy = "Give somebody else the role first."


class RoleNotAssigned(Failure):
    """The person is not in the roster, and their organisation has given them no app role in Microsoft Entra ID."""

    kind = Kind.FORBIDDEN
    code = "role_not_assigned"
    remedy = "Have an Admin add you, or assign an app role; the operator may set `NEO_ENTRA_DEFAULT_ROLE`."
