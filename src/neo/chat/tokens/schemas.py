"""The wire shapes of end-user session tokens."""

from datetime import datetime

from pydantic import BaseModel, Field

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
