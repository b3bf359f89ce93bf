"""The wire shapes of end-user session tokens."""

from datetime import datetime

from pydantic import BaseModel, Field

from neo.access import CallerKind
from neo.chat.schemas import ChatModelTier

AGENT_IDS_MAX = 200


class MintSessionTokenRequest(BaseModel):
    session_id: str = Field(description="The session that the token opens, and no other.")
    allowed_agent_ids: list[int] = Field(
        default_factory=list,
        max_length=AGENT_IDS_MAX,
        description="When not empty, the session's agent must be among them, else `422 session_agent_not_allowed`.",
    )
    client_id: str | None = Field(
        None,
        description="The session's tenant. Honored only for a platform service account, for its Neo Support sessions; "
        "any other caller passing it gets 403.",
    )
    end_company_id: str | None = Field(
        None,
        description="Ignored: the token's company is the session's, so that nobody widens it by asking.",
    )
    end_user: str | None = Field(None, description="Who will hold the token, for the record; 320 characters.")
    end_user_email: str | None = Field(
        None, description="Their e-mail address, for the record; 320 characters."
    )
    ttl_seconds: int | None = Field(
        None,
        description="Life of the token in seconds: 3,600 when null, 86,400 at most (more is cut to that).",
    )
    model_tier: ChatModelTier = Field(
        ChatModelTier.FAST,
        description="The best tier that messages sent with the token may ask for, for as long as it lives: with FAST "
        "a message that asks for SMART is `403 model_tier_not_allowed`.",
    )


class MintSessionTokenResponse(BaseModel):
    """`token` is sent as `Authorization: Bearer <token>` and is not shown again; `jti` revokes it."""

    token: str
    jti: str
    session_id: str
    expires_at: datetime


class RevokedSessionToken(BaseModel):
    jti: str
    session_id: str
    expires_at: datetime
    revoked_at: datetime


class TokenMinter(BaseModel):
    """Who minted a token. Accounts of another tenant, as the platform's, are named by their kind only."""

    kind: CallerKind
    id: str | None = Field(description="The account of a service account, or the technician.")
    credential_id: str | None = Field(description="The API key; null for a technician.")


class SessionTokenResource(BaseModel):
    """A token's record, without the token."""

    jti: str
    session_id: str
    end_user: str | None
    end_user_email: str | None
    model_tier: ChatModelTier
    minter: TokenMinter | None = Field(description="Null in tokens from before it was recorded.")
    is_live: bool = Field(description="Whether it opens its session now.")
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


class RevokedSessionTokens(BaseModel):
    revoked: int = Field(description="How many had not ended yet.")
