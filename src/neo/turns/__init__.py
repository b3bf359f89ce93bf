"""The durable turn: a message and everything that answers it.

This folder owns a turn's row, its workflow, and all that happens to a turn: start, attempts, cancel and end.
It keeps these rules:

- A turn's row is written with its message and is the outbox: a sweeper starts every turn that a crash left
  behind.
- The workflow's id is the turn's id, so that a turn is started at most once.
- A session runs one turn at a time, in order.
- Each attempt at a turn has a claim, a number that only rises. A writer whose claim is not the newest is
  fenced.
- A turn ends once. Whoever ends it locks its session and has the newest claim.
- The reply is in PostgreSQL before readers see the turn's end.
- Temporal carries ids, never content.

Import the modules: this file stays empty, so that the workflow pulls in nothing else.
"""
