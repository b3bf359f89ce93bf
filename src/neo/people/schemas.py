"""The request and response bodies of technicians."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from neo.access import Role
from neo.api import Guid, Name, left_alone

# The longest address that mail systems carry.
EMAIL_CHARACTERS_MAX = 254

Email = Annotated[str, StringConstraints(max_length=EMAIL_CHARACTERS_MAX, pattern=r"^[!-?A-~]+@[!-?A-~]+$")]

NAME = "For display, 1 to 200 characters; null when not known."
EMAIL = "For display, at most 254 characters; null when not known."
ROLE = "Admin everything, User their own chats, Viewer read only."


class TechnicianResource(BaseModel):
    """One of your organisation's own people."""

    user_id: str = Field(description="Object id in Microsoft Entra ID.")
    name: str | None
    email: str | None
    role: Role
    is_active: bool = Field(description="False: their sign-ins are refused with `technician_inactive`.")
    created_at: datetime
    updated_at: datetime


class AddTechnicianRequest(BaseModel):
    user_id: Guid = Field(description="Object id in Microsoft Entra ID.")
    name: Name | None = Field(None, description=NAME)
    email: Email | None = Field(None, description=EMAIL)
    role: Role = Field(Role.USER, description=ROLE)


class UpdateTechnicianRequest(BaseModel):
    """A partial update: what is left out stays as it is."""

    name: Name | None = Field(None, description=NAME)
    email: Email | None = Field(None, description=EMAIL)
    role: Role = left_alone(ROLE)
    is_active: bool = left_alone("False locks them out at once.")


class RemovedTechnician(BaseModel):
    """Who is in the roster no more."""

    user_id: str
