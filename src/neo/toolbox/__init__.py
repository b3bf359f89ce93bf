"""What an agent is offered of its tenant's connections.

An agent's `toolbox` (a column, versioned with the agent) names connections and which of their tools it may use;
`offered_tools` reads of them what may be offered now: pinned and unchanged, of a connection that is switched on and for
the agent's audience. What somebody set for a tool is in each `OfferedTool`; an agent can only make it
stricter. An agent whose toolbox is empty costs no statement.
"""

from neo.toolbox.offered import OfferedTool, offered_tools
from neo.toolbox.saving import ToolboxRules
from neo.toolbox.settings import AllowedConnection, allowed_connections

__all__ = ["AllowedConnection", "OfferedTool", "ToolboxRules", "allowed_connections", "offered_tools"]
