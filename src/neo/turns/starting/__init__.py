"""When a turn's step starts, and when its workflow does: at once, under load later, after a crash by somebody else.

These modules are to be replaced by one rule: a turn is claimed from PostgreSQL by whoever has room for it. Import them
one by one: this file stays empty so that the workflow pulls in nothing else.
"""
