"""Targets of stages, and secrets as the callers hand them in."""

from typing import Any

from neo.connections import Auth, CompanyPlaces, NoAuth, Target
from support.scripted_mcp import Stage

OLDER = "2025-06-18"
STATELESS = "2026-07-28"


def target_of(stage: Stage, auth: Auth | None = None, **fields: Any) -> Target:
    places = CompanyPlaces(header="Neo-Company", meta="neo/company", argument="company")
    given: dict[str, Any] = {"tenant": "t1", "connection": stage.name, "company": places, **fields}
    return Target(url=stage.url, auth=auth or NoAuth(), **given)
