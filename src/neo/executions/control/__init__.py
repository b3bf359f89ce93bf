"""Stopping an execution, doing it again, and running an agent."""
