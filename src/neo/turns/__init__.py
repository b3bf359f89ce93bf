"""The durable turn: one workflow per message, started at most once, whose id is the turn's id.

The turn's row is the outbox: it is written with the message, and a sweeper starts what a crash left behind.
A session runs one turn at a time, in order. The reply is in PostgreSQL before its end is announced, and a
turn ends once: whoever closes it holds the session's lock and the turn's newest pen. Temporal carries ids,
never content. Import the modules: this file stays empty so that the workflow pulls in nothing else.
"""
