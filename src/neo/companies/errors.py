from neo.errors import Failure, Kind


class EndCompanyNotFound(Failure):
    """No such end company in your tenant; of several, `details.index` says which."""

    kind = Kind.NOT_FOUND
    code = "end_company_not_found"
    remedy = "Check `psa_company_id`."


class EndCompanyExists(Failure):
    """The `psa_company_id` is known already."""

    kind = Kind.CONFLICT
    code = "end_company_exists"
    remedy = "Update the company."


class EndCompanyUpdateConflict(Failure):
    """The company is no longer at the `version` that you sent; of several, `details.index` says which."""

    kind = Kind.CONFLICT
    code = "end_company_update_conflict"
    remedy = "Read it again, then update it."
