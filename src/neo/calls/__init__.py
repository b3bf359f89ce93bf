"""One call of a tool: planned, dispatched, run, and what it leaves behind.

A call is refused when it is planned, or it is dispatched: from then on its row says that it may have left, before
its first byte does. Each call ends, once, and each end is one that the model reads. What was in flight when its
process died is asked again if it only reads, or if its tool has one effect for all calls of one key; else nobody knows
what became of it, and it is never sent again.

What a call brought that is too long for a prompt is kept whole as an artifact, for thirty days, and counts as what its
tenant stores.
"""

from neo.calls.artifacts.keep import Artifacts
from neo.calls.artifacts.models import Artifact
from neo.calls.artifacts.store import ArtifactStore
from neo.calls.artifacts.sweep import ArtifactSweeper
from neo.calls.beside import run_beside
from neo.calls.call import Call, key_argument_of
from neo.calls.ended import Ended
from neo.calls.holding import Holding
from neo.calls.output import characters_each
from neo.calls.plan import TURN_CALLS_MAX, plan_calls, schema_for_model
from neo.calls.probe import Probe
from neo.calls.repeats import Past, is_loop
from neo.calls.room import CallRoom
from neo.calls.run import CallRun, Stops
from neo.calls.texts import unknown_tool

__all__ = [
    "TURN_CALLS_MAX",
    "Artifact",
    "ArtifactStore",
    "ArtifactSweeper",
    "Artifacts",
    "Call",
    "CallRoom",
    "CallRun",
    "Ended",
    "Holding",
    "Past",
    "Probe",
    "Stops",
    "characters_each",
    "is_loop",
    "key_argument_of",
    "plan_calls",
    "run_beside",
    "schema_for_model",
    "unknown_tool",
]
