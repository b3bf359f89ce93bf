"""Small tools that know nothing of Neo's business."""

from neo.kit.addresses import is_loopback, is_private_line
from neo.kit.background import kept_going
from neo.kit.batcher import Batcher
from neo.kit.bound import Bound
from neo.kit.failpoint import arm_failpoints, reached
from neo.kit.garbage import keep_loaded, start_loading
from neo.kit.guid import find_guid
from neo.kit.loops import loop_beside, new_loop, run_in

__all__ = [
    "Batcher",
    "Bound",
    "arm_failpoints",
    "find_guid",
    "is_loopback",
    "is_private_line",
    "keep_loaded",
    "kept_going",
    "loop_beside",
    "new_loop",
    "reached",
    "run_in",
    "start_loading",
]
