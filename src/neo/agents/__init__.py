"""Agents: whom a session talks to.

Every tenant has its `NEO_SUPPORT` agent from its creation on. An agent's own model, when it has one, answers at the
FAST tier. Only CONVERSATIONAL agents may be chatted with.
"""

from neo.agents.dependencies import AgentId
from neo.agents.desk import AgentDesk
from neo.agents.errors import AgentNotConversational, AgentNotFound
from neo.agents.models import Access, Agent, Audience, AutonomyType, ManagedAgentKey, Overlap
from neo.agents.store import AgentStore
from neo.agents.tenants.onboard import create_tenant
from neo.agents.tenants.operate import TenantOperator

__all__ = [
    "Access",
    "Agent",
    "AgentDesk",
    "AgentId",
    "AgentNotConversational",
    "AgentNotFound",
    "AgentStore",
    "Audience",
    "AutonomyType",
    "ManagedAgentKey",
    "Overlap",
    "TenantOperator",
    "create_tenant",
]
