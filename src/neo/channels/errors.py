from neo.errors import Failure, Kind


class TenantNotFound(Failure):
    kind = Kind.NOT_FOUND
    code = "tenant_not_found"


class ClientIdNotAllowed(Failure):
    kind = Kind.FORBIDDEN
    code = "client_id_not_allowed"


class ClientIdRequired(Failure):
    kind = Kind.INVALID
    code = "client_id_required"


class RoutingFieldInvalid(Failure):
    kind = Kind.INVALID
    code = "routing_field_invalid"


class CompanyNotMapped(Failure):
    kind = Kind.CONFLICT
    code = "end_company_not_mapped"


class ChannelNotFound(Failure):
    kind = Kind.NOT_FOUND
    code = "channel_not_found"


class ChannelUpdateConflict(Failure):
    kind = Kind.CONFLICT
    code = "channel_update_conflict"


class ChannelFieldImmutable(Failure):
    kind = Kind.INVALID
    code = "channel_field_immutable"


class ChannelAudienceMismatch(Failure):
    kind = Kind.INVALID
    code = "channel_audience_mismatch"


class TransportNotSupported(Failure):
    kind = Kind.INVALID
    code = "transport_not_supported"


class BotAlreadyRegistered(Failure):
    kind = Kind.CONFLICT
    code = "bot_already_registered"


class TooManyChannels(Failure):
    kind = Kind.CONFLICT
    code = "too_many_channels"


class ChannelNotWhiteLabel(Failure):
    kind = Kind.INVALID
    code = "channel_not_white_label"


class EndClientTenantIdInvalid(Failure):
    kind = Kind.INVALID
    code = "end_client_tenant_id_invalid"


class InstallNotFound(Failure):
    kind = Kind.NOT_FOUND
    code = "install_not_found"


class TooManyInstalls(Failure):
    kind = Kind.CONFLICT
    code = "too_many_installs"
