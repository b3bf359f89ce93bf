"""Tenants as they are created and changed: each is created together with its managed agent."""
