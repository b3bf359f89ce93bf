"""What the workflow and its activity agree on. Ids only: what people and models write never passes through Temporal."""

from dataclasses import dataclass
from datetime import timedelta

TURN_WORKFLOW = "TurnWorkflow"
ADVANCE = "advance"

# An `advance` comes back with MORE after ten minutes; its last segment may take as long, and PostgreSQL may be away.
ADVANCE_TIMEOUT = timedelta(hours=1)
# What a dead worker had is claimed from PostgreSQL within seconds, so Temporal need not notice sooner.
HEARTBEAT_TIMEOUT = timedelta(seconds=30)
HEARTBEAT_SECONDS = 10.0
RETRY_FIRST = timedelta(seconds=1)
RETRY_LONGEST = timedelta(seconds=30)


@dataclass(frozen=True)
class TurnInput:
    tenant_id: str
    session_id: str
    turn_id: str
    # The turn ended before its workflow was started: nothing is left to do.
    has_ended: bool = False
