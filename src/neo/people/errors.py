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
