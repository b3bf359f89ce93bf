from neo.errors import Edge, Failure, Kind


class TenantNotFound(Failure):
    """No such tenant for the platform to act for."""

    kind = Kind.NOT_FOUND
    code = "tenant_not_found"
    remedy = "Check `client_id`."


class ClientIdNotAllowed(Failure):
    """`client_id` was sent by someone other than a platform service account."""

    kind = Kind.FORBIDDEN
    code = "client_id_not_allowed"
    remedy = "Leave it out."


class ClientIdRequired(Failure):
    """No white-label channel matched, and no `client_id` names a tenant."""

    kind = Kind.INVALID
    code = "client_id_required"
    remedy = "Send `client_id`."


class ClientIdNotOwner(Failure):
    """The bot's white-label channel that is installed for the sender belongs to another tenant than `client_id`.
    Nothing was opened.
    """

    kind = Kind.CONFLICT
    code = "client_id_not_owner"
    remedy = "Leave `client_id` out, or have the operator look whose the bot is."


class RoutingFieldInvalid(Failure):
    """`bot_id` or `inbound_tenant_id` is not a GUID."""

    kind = Kind.INVALID
    code = "routing_field_invalid"
    remedy = "See `details.fields`."


class CompanyNotMapped(Failure):
    """The sender's Microsoft tenant is not linked to exactly one end company. The message may be shown to the
    end user.
    """

    kind = Kind.CONFLICT
    code = "end_company_not_mapped"
    remedy = "Link it to one company."


class ChannelNotFound(Failure):
    """No such channel in your tenant."""

    kind = Kind.NOT_FOUND
    code = "channel_not_found"
    remedy = "Check the id."


class ChannelUpdateConflict(Failure):
    """The channel is no longer at the `version` that you sent."""

    kind = Kind.CONFLICT
    code = "channel_update_conflict"
    remedy = "Read it again, then update it."


class ChannelFieldImmutable(Failure):
    """A channel's `audience` and `transport` cannot be changed."""

    kind = Kind.INVALID
    code = "channel_field_immutable"
    remedy = "Create another channel."


class ChannelAudienceMismatch(Failure):
    """Agent and channel are for different audiences."""

    kind = Kind.INVALID
    code = "channel_audience_mismatch"
    remedy = "Choose an agent of the channel's audience."


class TransportNotSupported(Failure):
    """Only TEAMS can be used yet."""

    kind = Kind.INVALID
    code = "transport_not_supported"
    remedy = "Send `TEAMS`, or nothing."


class BotNotGranted(Failure):
    """The bot was not given to your tenant, or may not be used so: it is not said whether it is another's."""

    kind = Kind.CONFLICT
    code = "bot_not_granted"
    remedy = "Ask whoever runs Neo to grant it."


class BotAlreadyRegistered(Failure):
    """Your tenant has a channel of this bot already: one END_USER channel and one MSP channel at most."""

    kind = Kind.CONFLICT
    code = "bot_already_registered"
    remedy = "Use that one, or delete it."


class BotTaken(Failure):
    """The bot was granted to another tenant."""

    kind = Kind.CONFLICT
    code = "bot_taken"
    remedy = "Revoke it there first."
    edges = (Edge.API, Edge.COMMAND_LINE)


class BotNotFound(Failure):
    """The tenant was not given this bot."""

    kind = Kind.NOT_FOUND
    code = "bot_not_found"
    remedy = "Check both ids."
    edges = (Edge.API, Edge.COMMAND_LINE)


class ChannelNotWhiteLabel(Failure):
    """Only END_USER channels are installed at customers."""

    kind = Kind.INVALID
    code = "channel_not_white_label"
    remedy = "Use an END_USER channel."


class EndClientTenantIdInvalid(Failure):
    """The customer's Microsoft tenant is named by a GUID."""

    kind = Kind.INVALID
    code = "end_client_tenant_id_invalid"
    remedy = "Check it."


class InstallNotFound(Failure):
    """The channel is not installed in that Microsoft tenant."""

    kind = Kind.NOT_FOUND
    code = "install_not_found"
    remedy = "Check the id."
