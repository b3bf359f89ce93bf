"""What an agent is offered of its tenant's connections.

An agent's `toolbox` (a column, versioned with the agent) names connections and which of their tools it may use;
`offered_tools` reads of them what may be offered now: pinned and unchanged, of a connection that is switched on and for
the agent's audience, and permitted to the agent by name and by group. What somebody set for a tool is in each
`OfferedTool`; an agent can only make it stricter. An agent whose toolbox is empty costs no statement. Where there are
many tools, the model is shown a search, and what it has found in its turn (`shown_tools`, `found_tools`).
"""

from neo.toolbox.offered import OfferedTool, offered_tools
from neo.toolbox.saving import ToolboxRules
from neo.toolbox.search import (
    SEARCH_SCHEMA,
    SEARCH_TOOLS,
    Shown,
    callable_names,
    found_tools,
    is_searched,
    shown_tools,
)
from neo.toolbox.settings import AllowedConnection, allowed_connections

__all__ = [
    "SEARCH_SCHEMA",
    "SEARCH_TOOLS",
    "AllowedConnection",
    "OfferedTool",
    "Shown",
    "ToolboxRules",
    "allowed_connections",
    "callable_names",
    "found_tools",
    "is_searched",
    "offered_tools",
    "shown_tools",
]
