"""What the workflow and its activities agree on. Ids only: what people and models write never passes through
Temporal.
"""

from dataclasses import dataclass
from datetime import timedelta

CHAT_TURN_WORKFLOW = "ChatTurnWorkflow"
RUN_MODEL_STEP = "run_model_step"
FAIL_TURN = "fail_turn"

# A model that has not finished after ten minutes is not going to; so the step ends the turn itself then.
TURN_SECONDS_MAX = 600
# Longer than the step's own bound: PostgreSQL may be away while the turn begins and while it ends.
STEP_TIMEOUT = timedelta(seconds=TURN_SECONDS_MAX + 1300)
# A dead worker is noticed after this long. Heartbeats come from an event loop of their own: of 1,200 of them
# while 300 answers streamed none was more than 0.2 s late. One that is a second late is borne, before a step
# that is alive is given to another worker.
HEARTBEAT_TIMEOUT = timedelta(seconds=3.5)
# A heartbeat costs Temporal most: with 300 answers that stream at once, one a second each took half of a
# processor.
HEARTBEAT_SECONDS = 2.5
# The SDK is to delay no heartbeat: their interval is decided here.
HEARTBEAT_PASSED_ON = timedelta(milliseconds=100)
# How often a turn is begun: crashes, hand-overs at shutdown and the provider's failures all count.
STEP_ATTEMPTS_MAX = 6
# How often Temporal gives the step to a worker. More than attempts, for these count too: a worker whose
# heartbeat was late while its step goes on, and one that dies before it begins the step.
STEP_DELIVERIES_MAX = 60
# How many of the attempts ask a provider again before its failure ends the turn.
PROVIDER_ATTEMPTS_MAX = 3
RETRY_FIRST = timedelta(milliseconds=100)
RETRY_LONGEST = timedelta(seconds=10)
# Of one attempt to end a turn as failed; it is repeated for as long as PostgreSQL is away.
FAIL_TIMEOUT = timedelta(seconds=30)


@dataclass(frozen=True)
class TurnInput:
    tenant_id: str
    session_id: str
    turn_id: str
    # The turn ended before its workflow was started: nothing is left to do.
    has_ended: bool = False
