"""Programs of ours that read a stranger's bytes, each run in a process that can do nothing but compute.

A caged program has its bytes on standard input and answers on standard output. It loads what it needs first; then its
process locks itself, and only then reads. From there on it has no files, no network, no environment, sees no other
process and starts none. Which layers hold depends on the machine; `MINIMUM` is what each promise stands on.
"""

from neo.cage.enter import LAYERS, MINIMUM
from neo.cage.private_process import close_to_others
from neo.cage.run import Bounds, Cage, CageLacking, Ended, Overrun

__all__ = [
    "LAYERS",
    "MINIMUM",
    "Bounds",
    "Cage",
    "CageLacking",
    "Ended",
    "Overrun",
    "close_to_others",
]
