"""The durable turn: a message and everything that answers it.

This folder owns a turn's row, its segments, and all that happens to them: claim, settle, wait, cancel and end.
It keeps these rules:

- A turn's row is written with its message and is the outbox: whoever has a place claims it from PostgreSQL.
- A session runs one turn at a time, in order.
- A turn is a list of segments. What is settled never changes and is never done again.
- Each writer of a segment has a claim, a number that only rises. A writer whose (segment, claim) is not the
  newest is fenced.
- A turn ends once. Whoever ends it locks its session and has the newest (segment, claim).
- What readers are told to be over is in PostgreSQL before.
- The workflow keeps no state: it may be started any number of times, or never.
- Temporal carries ids, never content.

Import the modules: this file stays empty, so that the workflow pulls in nothing else.
"""
