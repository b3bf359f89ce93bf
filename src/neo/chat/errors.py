from neo.errors import Failure, Kind


class SessionArchived(Failure):
    kind = Kind.CONFLICT
    code = "session_archived"


class DuplicateClientMessageId(Failure):
    kind = Kind.CONFLICT
    code = "duplicate_client_message_id"


class ClientMessageIdReused(Failure):
    kind = Kind.CONFLICT
    code = "client_message_id_reused"


class AgentSelectorInvalid(Failure):
    kind = Kind.INVALID
    code = "agent_selector_invalid"


class TitleTooLong(Failure):
    kind = Kind.INVALID
    code = "title_too_long"


class EmptyMessage(Failure):
    kind = Kind.INVALID
    code = "message_empty"


class MessageTooLong(Failure):
    kind = Kind.INVALID
    code = "message_too_long"


class ClientMessageIdInvalid(Failure):
    kind = Kind.INVALID
    code = "client_message_id_invalid"


class AgentAccessDenied(Failure):
    kind = Kind.FORBIDDEN
    code = "agent_access_denied"


class AgentNeedsChannel(Failure):
    kind = Kind.FORBIDDEN
    code = "agent_needs_channel"


class AgentIdNotAllowed(Failure):
    kind = Kind.FORBIDDEN
    code = "agent_id_not_allowed"


class AgentGone(Failure):
    kind = Kind.CONFLICT
    code = "agent_deleted"


class ChannelDisconnected(Failure):
    kind = Kind.CONFLICT
    code = "channel_disconnected"


class SessionNotMintable(Failure):
    kind = Kind.FORBIDDEN
    code = "session_not_mintable"


class SessionAgentNotAllowed(Failure):
    kind = Kind.INVALID
    code = "session_agent_not_allowed"


class TooManyTails(Failure):
    kind = Kind.RATE_LIMITED
    code = "too_many_tails"


class EndUserInvalid(Failure):
    kind = Kind.INVALID
    code = "end_user_invalid"


class TokenLifeInvalid(Failure):
    kind = Kind.INVALID
    code = "ttl_seconds_invalid"


class TurnInProgress(Failure):
    kind = Kind.CONFLICT
    code = "turn_in_progress"


class TurnQueueFull(Failure):
    kind = Kind.CONFLICT
    code = "turn_queue_full"
