"""The response bodies of bots."""

from datetime import datetime

from pydantic import BaseModel, Field


class PublicBot(BaseModel):
    """A Teams bot and the tenant that it was granted to."""

    bot_id: str
    client_id: str = Field(description="The tenant whose bot it is.")
    granted_at: datetime


class RevokedBot(BaseModel):
    """The bot that is the tenant's no more."""

    bot_id: str
    client_id: str
