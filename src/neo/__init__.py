"""Neo: a self-hosted, multi-tenant chat-agent API."""
