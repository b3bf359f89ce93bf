"""What `turns` refuses, and the codes of turns that Neo itself ends as failed.

Beside these there is `Fenced`, from `neo.events`: the turn has ended, or somebody else has claimed it.
"""

from neo.errors import Failure, Kind

# Stored as a turn's `error_code`.
TURN_TIMED_OUT = "turn_timed_out"
TURN_LOST = "turn_lost"
LOST_MESSAGE = "The turn was begun too often and never came to an end."


class HandedOver(Exception):
    """The process drains, and what is left of the segment is for whoever claims the turn next."""


class TurnNotFound(Failure):
    """No such turn in this session."""

    kind = Kind.NOT_FOUND
    code = "turn_not_found"
    remedy = "Check the id."
