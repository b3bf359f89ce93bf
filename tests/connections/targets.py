"""Targets of stages, and secrets as the callers hand them in."""

from dataclasses import dataclass
from typing import Any

from neo.connections import Auth, CompanyPlaces, NoAuth, Target
from support.scripted_mcp import Stage

OLDER = "2025-06-18"
STATELESS = "2026-07-28"


@dataclass(frozen=True)
class Told:
    value: str

    def reveal(self) -> str:
        return self.value

    def hidden_in(self, text: str) -> str:
        return text.replace(self.value, "***")


def target_of(stage: Stage, auth: Auth | None = None, **fields: Any) -> Target:
    places = CompanyPlaces(header="Neo-Company", meta="neo/company", argument="company")
    given: dict[str, Any] = {"tenant": "t1", "connection": stage.name, "company": places, **fields}
    return Target(url=stage.url, auth=auth or NoAuth(), **given)
