"""What `turns` refuses, what its parts raise to each other, and the codes of turns that Neo itself ends as
failed.

Beside these there is `Fenced`, from `neo.events`: the turn has ended, or a newer claim has taken it over.
What an activity raises to Temporal is an `ApplicationError` whose type says why the attempt ended
(`activities.py`).
"""

from neo.errors import Edge, Failure, Kind

# Stored as a turn's `error_code`.
TURN_TIMED_OUT = "turn_timed_out"
TURN_LOST = "turn_lost"
TURN_ATTEMPTS_EXHAUSTED = "turn_attempts_exhausted"


class TurnNotFound(Failure):
    """No such turn in this session."""

    kind = Kind.NOT_FOUND
    code = "turn_not_found"
    remedy = "Check the id."


class TurnRefused(Failure):
    """Temporal has ended this turn's workflow already: the turn is ended as `turn_lost`."""

    kind = Kind.CONFLICT
    code = "turn_refused"
    remedy = ""
    edges = (Edge.LOG,)


class BegunElsewhere(Exception):
    """The turn was to be begun before Temporal heard of it, and an attempt was quicker."""
