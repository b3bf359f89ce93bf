"""Who drives a turn: places, claims, leases, and the loop over a turn's segments.

One rule starts every turn: it is claimed from PostgreSQL by a process that has a place for it. Import the modules one
by one: this file stays empty, so that the workflow pulls in nothing else.
"""
