from neo.errors import Failure, Kind


class EndCompanyNotFound(Failure):
    kind = Kind.NOT_FOUND
    code = "end_company_not_found"


class EndCompanyExists(Failure):
    kind = Kind.CONFLICT
    code = "end_company_exists"


class EndCompanyUpdateConflict(Failure):
    kind = Kind.CONFLICT
    code = "end_company_update_conflict"
