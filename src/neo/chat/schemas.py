"""The Chat operations' wire shapes."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, FailFast, Field

from neo.agents import ManagedAgentKey, Overlap
from neo.api import Line
from neo.attachments import ALT_CHARACTERS_MAX


class ChatModelTier(StrEnum):
    """Speed/quality tier for a single chat turn.

    The tier rides each turn (not the session), so switching mid-chat just changes the next turn:
    `previous_response_id` continuity is preserved across the swap because it is bound to provider and region,
    not to the model. A caller sends only this enum, never a model's name. FAST keeps the agent's configured
    model; SMART escalates the turn to a stronger model. FAST is the default.
    """

    FAST = "FAST"
    SMART = "SMART"


class CreateChatSessionRequest(BaseModel):
    agent_id: int | None = Field(
        None,
        description=(
            "Numeric id of the CONVERSATIONAL agent to run the session against. Provide exactly one of `agent_id` "
            "or `managed_agent_key`."
        ),
    )
    bot_id: str | None = Field(
        None,
        description=(
            "Inbound Teams bot app id, forwarded by the platform relay so the backend routes the session to the "
            "ACTIVE channel registered for that bot — else the tenant's Neo Support agent. Honored only for a "
            "platform service account; ignored for other callers."
        ),
    )
    client_id: str | None = Field(
        None,
        description=(
            "Target tenant to create the session for. Honored only for a platform service account; the agent is "
            "resolved from `bot_id` (a matching channel, else that tenant's Neo Support agent). Any other caller "
            "passing it gets 403. Omit to use the caller's own tenant."
        ),
    )
    inbound_tenant_id: str | None = Field(
        None,
        description=(
            "The inbound message's M365 tenant id, forwarded by the platform relay. With `bot_id`, lets the backend "
            "route a white-label turn via the channel installed for that tenant — the acting tenant is then "
            "resolved server-side from the channel's owning MSP; a `client_id` that names another one is refused. "
            "Honored only for a platform service account."
        ),
    )
    managed_agent_key: ManagedAgentKey | None = Field(
        None,
        description=(
            "Target a Neo-managed agent by its stable key instead of a numeric id — the backend resolves the target "
            "tenant's row. Lets the converged Neo Support relay stay agent-id-agnostic across tenants. Provide "
            "exactly one of `agent_id` or `managed_agent_key`."
        ),
    )
    title: Line | None = None


class ChatSessionResource(BaseModel):
    """Public surface of a chat session row. `client_id` is the tenant's id."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    agent_id: int
    client_id: str
    title: str | None
    channel: str
    show_agent_progress_steps: bool | None = None
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None


class OpenReply(BaseModel):
    """What the open turn has answered so far, as it is settled: a `UIMessage` that goes on."""

    id: str
    parts: list[dict[str, Any]]
    cursor: str = Field(description="Where `parts` end: a tail from here gives what follows them.")


class OpenTurn(BaseModel):
    """The turn that runs, waits for somebody, or is next. Tail the events from its `since_cursor` to replay it from its
    start. Clients of the AI SDK do that; others may show `reply` and go on from `reply.cursor`.
    """

    id: str
    status: str = Field(description="QUEUED, RUNNING or WAITING.")
    chat_turn_id: str = Field(description="The same as `id`.")
    chat_turn_status: str = Field(description="The same as `status`.")
    since_cursor: str
    waiting_for: str | None = Field(description="Of a WAITING turn: APPROVAL or CALL.")
    reply: OpenReply | None = Field(description="Null until something is settled.")


class ChatSessionDetail(ChatSessionResource):
    """A session, with the turn that is open, if any."""

    open_turn: OpenTurn | None


class PublicChatAttachment(BaseModel):
    """An image attached to a chat turn. `blob_path` is the value returned by the `attachments/upload-url`
    endpoint for THIS session — the backend re-validates it sits under the session's prefix, so a client can't
    reference another session's or tenant's blob.
    """

    alt: str | None = Field(
        None,
        max_length=ALT_CHARACTERS_MAX,
        description="Optional alt text / description for the image; at most 2,000 characters.",
    )
    blob_path: str = Field(description="The `blob_path` returned by `attachments/upload-url`.")
    filename: str | None = Field(None, description="Optional original filename, for display.")
    mime: str = Field(description="Image MIME type — one of image/png, image/jpeg, image/gif, image/webp.")


class PostMessageRequest(BaseModel):
    # Each fault that is named costs the event loop as much as the values of a message.
    attachments: Annotated[list[PublicChatAttachment], FailFast()] = Field(
        default_factory=list,
        description=(
            "Images to include with this turn. Each must first be uploaded via "
            "`POST /chat/sessions/<id>/attachments/upload-url`. At most 6 per turn."
        ),
    )
    client_message_id: str | None = None
    message: str = ""
    model_tier: ChatModelTier = Field(
        ChatModelTier.FAST,
        description=(
            "Speed/quality tier for this turn: FAST keeps the agent's configured model; SMART escalates a single "
            "turn to a stronger model. May be flipped per turn to switch mid-conversation. Defaults to FAST."
        ),
    )
    overlap: Overlap | None = Field(
        None,
        description=(
            "When a turn of the session is open: `queue` waits for it, `reject` answers `409 turn_in_progress`, which "
            "names it. Null: as the channel or the agent has it, else `queue`."
        ),
    )


class QueuedBehind(BaseModel):
    """The turns of the session that are answered first."""

    turn_id: str = Field(description="The session's first open turn: it runs or waits, or is next.")
    waiting_for: str | None = Field(description="What that turn waits for, if it does: APPROVAL or CALL.")
    position: int = Field(description="How many turns are answered before this one, from 1.")


class PostMessageResponse(BaseModel):
    """202 Accepted body — the turn is enqueued, the agent's response streams via SSE.

    `since_cursor` is the stream position right before this turn. Callers tailing
    `/chat/sessions/<id>/events` should pass it as `?since=<since_cursor>` (or `Last-Event-Id: <since_cursor>`)
    so the SSE tail starts strictly after the previous turn's terminal envelopes. Skipping this on a 2nd+ turn
    against the same session causes the tail to return the previous turn's final state. Neo never sends it as
    null; a client treats null as "tail from the beginning".
    """

    chat_turn_id: str
    queued_behind: QueuedBehind | None = Field(
        None, description="Of a message that was posted while a turn of the session is open; else null."
    )
    show_agent_progress_steps: bool | None = None
    since_cursor: str | None
    user_message_id: str


class ChatMessages(BaseModel):
    """A page of a session's messages as AI SDK `UIMessage`s, and the turn that is open, if any."""

    messages: list["UIMessage"]
    open_turn: OpenTurn | None


class UIMessage(BaseModel):
    """A message in the form that the Vercel AI SDK takes as initial messages."""

    id: str
    role: str = Field(description="`user` or `assistant`.")
    metadata: "MessageMetadata"
    parts: list[dict[str, Any]] = Field(
        description="AI SDK parts: `text`, `file`, `reasoning`, `step-start`, `dynamic-tool`."
    )


class AuthorKind(StrEnum):
    """What kind of caller asked. TECHNICIAN is a dashboard user, PLATFORM the platform's relay for an end user."""

    SERVICE_ACCOUNT = "SERVICE_ACCOUNT"
    TECHNICIAN = "TECHNICIAN"
    END_USER = "END_USER"
    PLATFORM = "PLATFORM"


class AuthorResource(BaseModel):
    """Who asked. Accounts have `id` and `name` for callers of their own tenant only, and for no end user; whom the
    platform spoke for is named to every reader.
    """

    kind: AuthorKind
    id: str | None = Field(description="The service account, or the dashboard user; null for an END_USER.")
    name: str | None = Field(
        description="The API key's or the dashboard user's name. For END_USER and PLATFORM: the end user's name, else "
        "their address, as the token or the session has it. Null where it is not known."
    )


class MessageMetadata(BaseModel):
    chat_turn_id: str
    chat_turn_status: str = Field(description="QUEUED, RUNNING, WAITING, COMPLETED, FAILED or CANCELLED.")
    client_message_id: str | None
    superseded_by: str | None = Field(
        description="Of a reply that a later turn supersedes: that turn. Shown with `superseded=true` only."
    )
    author: AuthorResource | None = Field(
        description="Who asked; null for a reply, and for messages from before it was recorded."
    )
    created_at: datetime


class TurnError(BaseModel):
    """Why a turn failed. `code` is stable; `message` may be shown to an end user."""

    code: str
    message: str


class TurnUsage(BaseModel):
    """What a turn cost. Times are in milliseconds since the message was accepted; null: not known, or not shown: an end
    user's session token is shown the times only.
    """

    model: str | None
    provider: str | None
    region: str | None
    input_tokens: int | None
    output_tokens: int | None
    cached_tokens: int | None
    cost: str | None = Field(
        description="By the operator's prices of that time, in the operator's currency, as decimal digits: `0.00125`. "
        "Null: the operator has named no price."
    )
    first_token_ms: int | None
    total_ms: int | None
    omitted_messages: int = Field(description="Oldest messages left out so that the prompt fits the model.")


class ChatTurnResource(BaseModel):
    """A turn's record: where it stands, how it ended, what it cost."""

    id: str
    session_id: str
    status: str = Field(description="QUEUED, RUNNING, WAITING, COMPLETED, FAILED or CANCELLED.")
    model_tier: ChatModelTier
    since_cursor: str
    user_message_id: str
    author: AuthorResource | None = Field(
        description="Whose message it answers; null for turns from before it was recorded."
    )
    reply_message_id: str | None = Field(
        description="The answer's message: whole once the turn is COMPLETED, as far as it went when it was CANCELLED "
        "in mid-answer, else null."
    )
    attempts: int = Field(description="How often the turn was taken up; over 1 after a crash or a retry.")
    finish_reason: str | None
    error: TurnError | None
    usage: TurnUsage
    created_at: datetime = Field(description="When the message was accepted.")
    started_at: datetime | None = Field(
        description="When the turn was first taken up; null while it waits, and when it ended without running."
    )
    first_token_at: datetime | None = Field(
        description="When the last attempt's answer began with its first text; known once the turn has ended."
    )
    cancel_requested_at: datetime | None = Field(
        description="When a running turn was told to stop; it ends as CANCELLED within a second or so."
    )
    ended_at: datetime | None = Field(description="When the turn ended; null while it is open.")


class UnsettledCall(BaseModel):
    """A call that was sent and may have had its effect."""

    id: str
    chat_turn_id: str
    name: str
    status: str = Field(
        description="RUNNING: it may still be answered; UNKNOWN: nobody knows what became of it."
    )


class StoppedTurn(ChatTurnResource):
    """A turn's record, and what of it could not be taken back."""

    unsettled_calls: list[UnsettledCall]


class ResetSession(ChatSessionResource):
    """The session, and what of its open turns could not be taken back."""

    unsettled_calls: list[UnsettledCall]


ChatMessages.model_rebuild()
UIMessage.model_rebuild()
