from neo.errors import Failure, Kind


class SessionArchived(Failure):
    """The session takes no more messages."""

    kind = Kind.CONFLICT
    code = "session_archived"
    remedy = "Open a new one."


class DuplicateClientMessageId(Failure):
    """This very message was accepted before."""

    kind = Kind.CONFLICT
    code = "duplicate_client_message_id"
    remedy = "Go on with `details`: they are what the first answer said."


class ClientMessageIdReused(Failure):
    """The id was used for another message, tier or attachments."""

    kind = Kind.CONFLICT
    code = "client_message_id_reused"
    remedy = "Use a new id for a new message."


class AgentSelectorInvalid(Failure):
    """Both or neither of `agent_id` and `managed_agent_key`."""

    kind = Kind.INVALID
    code = "agent_selector_invalid"
    remedy = "Send exactly one."


class TitleTooLong(Failure):
    """A title has at most 500 characters."""

    kind = Kind.INVALID
    code = "title_too_long"
    remedy = "Shorten it."


class EmptyMessage(Failure):
    """The message has neither text nor an attachment."""

    kind = Kind.INVALID
    code = "message_empty"
    remedy = "Say something."


class MessageTooLong(Failure):
    """A message has at most 100,000 characters."""

    kind = Kind.INVALID
    code = "message_too_long"
    remedy = "Split it."


class ClientMessageIdInvalid(Failure):
    """It is 1 to 128 printable ASCII characters without spaces."""

    kind = Kind.INVALID
    code = "client_message_id_invalid"
    remedy = "A UUID is fine."


class AgentAccessDenied(Failure):
    """The agent's `access` does not include this dashboard user."""

    kind = Kind.FORBIDDEN
    code = "agent_access_denied"
    remedy = "Ask an Admin of your organisation."


class AgentNeedsChannel(Failure):
    """The agent serves customers' employees."""

    kind = Kind.FORBIDDEN
    code = "agent_needs_channel"
    remedy = "Reach it through its END_USER channel, or with a session token."


class AgentIdNotAllowed(Failure):
    """A platform service account sent `agent_id`."""

    kind = Kind.FORBIDDEN
    code = "agent_id_not_allowed"
    remedy = "Leave it out: it is routed by `bot_id`."


class AgentGone(Failure):
    """The session's agent was deleted."""

    kind = Kind.CONFLICT
    code = "agent_deleted"
    remedy = "Open a session with another agent."


class ChannelDisconnected(Failure):
    """The session's channel is paused or deleted."""

    kind = Kind.CONFLICT
    code = "channel_disconnected"
    remedy = "Connect it again, or use another."


class SessionNotMintable(Failure):
    """A platform service account mints tokens for its own Neo Support sessions only."""

    kind = Kind.FORBIDDEN
    code = "session_not_mintable"
    remedy = "Use the session through the relay."


class SessionAgentNotAllowed(Failure):
    """`allowed_agent_ids` lacks the session's agent."""

    kind = Kind.INVALID
    code = "session_agent_not_allowed"
    remedy = "Add it, or leave the list empty."


class EndUserInvalid(Failure):
    """The end user's name or address is too long or not printable."""

    kind = Kind.INVALID
    code = "end_user_invalid"
    remedy = "Shorten it."


class TokenFilterMissing(Failure):
    """Many tokens are revoked by what they have in common, and nothing was named; the platform names the session."""

    kind = Kind.INVALID
    code = "token_filter_missing"
    remedy = "Name `session_id`, `minted_by` or `credential_id`."


class ModelTierNotAllowed(Failure):
    """The session token was minted for the FAST tier only."""

    kind = Kind.FORBIDDEN
    code = "model_tier_not_allowed"
    remedy = "Leave `model_tier` out, or have the token minted with `model_tier` SMART."


class TokenLifeInvalid(Failure):
    """A token's life is at least one second."""

    kind = Kind.INVALID
    code = "ttl_seconds_invalid"
    remedy = "Send 1 to 86,400, or null."


class TurnInProgress(Failure):
    """`overlap` is `reject`, here or by the agent's or channel's default, and a turn is open: `details` names
    it.
    """

    kind = Kind.CONFLICT
    code = "turn_in_progress"
    remedy = 'Wait for its end, or send `overlap: "queue"`.'


class TurnQueueFull(Failure):
    """The session has its most open turns: 100, or 10 for an end user."""

    kind = Kind.CONFLICT
    code = "turn_queue_full"
    remedy = "Wait for one to end."


class TooManyQueuedTurns(Failure):
    """So many of the tenant's turns wait for a place that this one is not taken. An end user is told so first, an Admin
    last.
    """

    kind = Kind.RATE_LIMITED
    code = "too_many_queued_turns"
    remedy = "Wait for `Retry-After` seconds, or cancel queued turns."


class ExecutionNotRetryable(Failure):
    """Only the newest turn of a session is asked again, and only once it has ended."""

    kind = Kind.CONFLICT
    code = "execution_not_retryable"
    remedy = "Wait for its end, or post the message again."


class CallNotWaiting(Failure):
    """No turn waits for this call of the scripted model."""

    kind = Kind.CONFLICT
    code = "call_not_waiting"
    remedy = "Take the call's id from `data-turn-waiting`, and decide once."
