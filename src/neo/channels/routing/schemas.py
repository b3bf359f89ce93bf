"""The request and response bodies of the routing's dry run."""

from typing import Any

from pydantic import BaseModel, Field

from neo.channels.routing.destination import RouteKind


class ResolveRouteRequest(BaseModel):
    """What the relay would send when it opens a session."""

    bot_id: str | None = Field(None, description="Teams bot app id, a GUID of any letter case.")
    client_id: str | None = Field(
        None, description="Target tenant. Only for the platform: an Admin asks for their own tenant."
    )
    inbound_tenant_id: str | None = Field(None, description="The sender's Microsoft tenant, a GUID.")


class RouteStep(BaseModel):
    """One route, in the order in which they are tried."""

    route: RouteKind
    is_taken: bool
    reason: str


class RouteRefusal(BaseModel):
    """What opening a session would be refused with."""

    status: int
    code: str
    message: str
    details: dict[str, Any]


class ResolvedRoute(BaseModel):
    """Where a session would be opened. `route` is null when it would be refused: see `refusal`."""

    route: RouteKind | None
    client_id: str | None = Field(description="The acting tenant.")
    agent_id: int | None
    channel_id: str | None
    audience: str | None
    end_company_id: str | None
    show_agent_progress_steps: bool | None
    refusal: RouteRefusal | None
    steps: list[RouteStep]
