"""What the workflow and its activities agree on. Ids only: a turn's words never pass through Temporal."""

from dataclasses import dataclass
from datetime import timedelta

CHAT_TURN_WORKFLOW = "ChatTurnWorkflow"
RUN_MODEL_STEP = "run_model_step"
FAIL_TURN = "fail_turn"

# A model that has not finished after ten minutes is not going to; the step ends the turn itself.
TURN_SECONDS_MAX = 600
# Beyond the step's own bound, for the waits round it: PostgreSQL away while the turn is opened or closed.
STEP_TIMEOUT = timedelta(seconds=TURN_SECONDS_MAX + 1300)
# A dead worker is noticed after this long. The step beats from a loop of its own: of 1,200 beats in a full house of
# 300 answers none was more than 0.2 s late, and one that is five times later is borne before a step that lives is given
# to another.
HEARTBEAT_TIMEOUT = timedelta(seconds=3.5)
# Most of what a beat costs is Temporal's: of 300 answers that stream at once, one a second took half of a processor.
HEARTBEAT_SECONDS = 2.5
# They are timed here: the SDK is to hold none back.
HEARTBEAT_PASSED_ON = timedelta(milliseconds=100)
# How often a turn is begun: crashes, hand-overs at shutdown and the provider's failures all count.
STEP_ATTEMPTS_MAX = 6
# How often Temporal gives it to a worker: also to one that is late, where the step goes on, or dies before it begins.
STEP_DELIVERIES_MAX = 60
# Of these, how often a provider is asked again before its failure is the turn's.
PROVIDER_ATTEMPTS_MAX = 3
RETRY_FIRST = timedelta(milliseconds=100)
RETRY_LONGEST = timedelta(seconds=10)
# The last word on a turn is said even after a long outage of PostgreSQL.
FAIL_TIMEOUT = timedelta(seconds=30)

TURN_ATTEMPTS_EXHAUSTED = "turn_attempts_exhausted"


@dataclass(frozen=True)
class TurnInput:
    tenant_id: str
    session_id: str
    turn_id: str
    # Its step ended before Temporal was told of the turn: nothing is left to do.
    has_ended: bool = False
