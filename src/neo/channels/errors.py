from neo.errors import Failure, Kind


class TenantNotFound(Failure):
    kind = Kind.NOT_FOUND
    code = "tenant_not_found"


class ClientIdRequired(Failure):
    kind = Kind.INVALID
    code = "client_id_required"


class RoutingFieldInvalid(Failure):
    kind = Kind.INVALID
    code = "routing_field_invalid"


class CompanyNotMapped(Failure):
    kind = Kind.CONFLICT
    code = "end_company_not_mapped"
