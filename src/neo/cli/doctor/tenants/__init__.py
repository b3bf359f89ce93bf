"""Checks of what is the tenants': their audit logs, bots and secrets."""
