from neo.errors import Failure, Kind


class TechnicianNotFound(Failure):
    kind = Kind.NOT_FOUND
    code = "technician_not_found"


class TechnicianExists(Failure):
    kind = Kind.CONFLICT
    code = "technician_exists"


class LastAdmin(Failure):
    kind = Kind.CONFLICT
    code = "last_admin"
