"""Turns rows into the API's resources."""

from typing import Any

from neo.agents.models import Agent, AgentVersion
from neo.agents.schemas import (
    AgentDetail,
    AgentResource,
    AgentSettings,
    AgentSnapshot,
    AgentVersionDetail,
    AgentVersionResource,
)


def shown_agent(agent: Agent) -> AgentResource:
    return AgentResource.model_validate(_fields(agent))


def shown_agent_detail(agent: Agent) -> AgentDetail:
    # What is stored is shown, also from before there were variables.
    settings = AgentSettings.model_construct(custom_instructions=agent.instructions)
    return AgentDetail.model_validate(
        {**_fields(agent), "agent_settings": settings, "toolbox": agent.toolbox}
    )


def shown_version(version: AgentVersion) -> AgentVersionResource:
    return AgentVersionResource(
        version=version.version,
        changed_by_user=str(version.changed_by) if version.changed_by else None,
        created_at=version.created_at,
    )


def shown_version_detail(version: AgentVersion) -> AgentVersionDetail:
    was = dict(version.snapshot)
    settings = AgentSettings.model_construct(custom_instructions=was.pop("instructions"))
    agent = AgentSnapshot.model_validate({**was, "agent_settings": settings})
    return AgentVersionDetail(**shown_version(version).model_dump(), agent=agent)


def _fields(agent: Agent) -> dict[str, Any]:
    return {
        "id": agent.id,
        "name": agent.name,
        "description": agent.description,
        "autonomy_type": agent.autonomy_type,
        "audience": agent.audience,
        "access": agent.access,
        "access_user_ids": [str(one) for one in agent.access_user_ids],
        "model": agent.model,
        "reasoning_effort": agent.reasoning_effort,
        "overlap": agent.overlap,
        "managed_agent_key": agent.managed_key,
        "version": agent.version,
        "created_by_user": str(agent.created_by) if agent.created_by else None,
        "created_at": agent.created_at,
        "updated_at": agent.updated_at,
    }
