"""Works out a partial update: which columns differ, or why it is refused."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from neo.agents.errors import AgentAccessInvalid, AgentFieldImmutable, AgentManagedByNeo, AgentUpdateConflict
from neo.agents.models import Access, Agent

IMMUTABLE = ("autonomy_type", "audience")


def check_changeable(agent: Agent) -> None:
    if agent.managed_key is not None:
        raise AgentManagedByNeo("This agent is managed by Neo: it can be neither changed nor deleted.")


def check_version(agent: Agent, version: int | None) -> None:
    if version is not None and version != agent.version:
        raise AgentUpdateConflict(
            "The agent was changed meanwhile: read it again, then send its `version`.",
            details={"version": agent.version},
        )


def changed_columns(agent: Agent, wanted: dict[str, Any]) -> dict[str, Any]:
    """The columns that change."""
    _check_immutable(agent, wanted)
    if "access" in wanted or "access_user_ids" in wanted:
        access, given = wanted.get("access", agent.access), wanted.get("access_user_ids")
        wanted = {**wanted, "access_user_ids": access_users(access, given, agent.access_user_ids)}
    return {name: value for name, value in wanted.items() if value != getattr(agent, name)}


def merged_toolbox(stored: Mapping[str, Any], wanted: Mapping[str, Any] | None) -> dict[str, Any]:
    """The settings of each tool type, of which null disables one. None of them is an empty toolbox."""
    by_type = {**stored.get("tool_settings_by_type", {}), **wanted} if wanted is not None else {}
    kept = {tool_type: settings for tool_type, settings in by_type.items() if settings is not None}
    return {"tool_settings_by_type": kept} if kept else {}


def access_users(access: str, given: Sequence[UUID] | None, stored: Sequence[UUID] = ()) -> list[UUID]:
    """The user ids to store with this access: at least one for SPECIFIC_USERS, none for any other."""
    ids = list(dict.fromkeys(stored if given is None else given))
    if access == Access.SPECIFIC_USERS:
        if not ids:
            raise _access_invalid("name at least one user for SPECIFIC_USERS")
        return ids
    if given:
        raise _access_invalid("goes with `access` SPECIFIC_USERS only")
    return []


def _check_immutable(agent: Agent, wanted: dict[str, Any]) -> None:
    fields = {
        name: "cannot be changed"
        for name in IMMUTABLE
        if wanted.get(name, getattr(agent, name)) != getattr(agent, name)
    }
    if fields:
        raise AgentFieldImmutable(
            f"Set when the agent is created, for good: {', '.join(fields)}. Create another agent.",
            details={"fields": fields},
        )


def _access_invalid(problem: str) -> AgentAccessInvalid:
    return AgentAccessInvalid(
        f"`access` and `access_user_ids` do not fit: {problem}.",
        details={"fields": {"access_user_ids": problem}},
    )
