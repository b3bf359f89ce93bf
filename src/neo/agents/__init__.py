"""Agents: whom a session talks to.

Every tenant has its `NEO_SUPPORT` agent from birth. An agent's own model, when it has one, answers at the
FAST tier. Only CONVERSATIONAL agents may be chatted with.
"""

from neo.agents.models import Agent, AutonomyType, ManagedAgentKey
from neo.agents.onboard import create_tenant
from neo.agents.store import AgentNotConversational, AgentNotFound, AgentStore

__all__ = [
    "Agent",
    "AgentNotConversational",
    "AgentNotFound",
    "AgentStore",
    "AutonomyType",
    "ManagedAgentKey",
    "create_tenant",
]
