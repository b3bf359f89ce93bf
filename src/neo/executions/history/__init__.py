"""Executions, one by one and as a list with filters."""
