"""Calls of the tools of a tenant's MCP server, over streamable HTTP: the protocol of 2026-07-28 and those before it.

The protocol's own library speaks it, in a task of its own for each client: an exception or a cancellation that it
raises ends that task and never the caller's. Below it stands our transport, which answers it in every case: what goes
wrong with a request is noted there and told as an error of that request, so that one bad answer ends one call, and not
its neighbours. The library takes most of a second to import; it is imported at the first call, beside the event loop.
"""

from neo.connections.mcp.client import McpClient

__all__ = ["McpClient"]
