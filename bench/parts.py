"""What processes cost: processor time and memory, by part, children included."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import reduce
from operator import add

import psutil
from bench.figures import Figure, one

# `neo serve` is the parent of all other parts, which are counted for themselves.
SUPERVISOR = "serve"
MIB = 1024 * 1024


@dataclass
class Cost:
    """Processor seconds by part over a block, of the load client too, and the seconds it took."""

    cpu_seconds: dict[str, float] = field(default_factory=dict)
    client_seconds: float = 0.0
    seconds: float = 0.0

    def __add__(self, other: "Cost") -> "Cost":
        parts = {part: spent + other.cpu_seconds.get(part, 0.0) for part, spent in self.cpu_seconds.items()}
        return Cost(parts, self.client_seconds + other.client_seconds, self.seconds + other.seconds)

    @classmethod
    def total(cls, costs: Sequence["Cost"]) -> "Cost":
        return reduce(add, costs)

    def per(self, what: str, count: int) -> Figure:
        """Milliseconds of processor for each of so many turns or requests."""
        each = {part: spent * 1000 / max(count, 1) for part, spent in self.cpu_seconds.items()}
        return one(f"CPU a {what}, all parts", "ms", sum(each.values()), by_part(each))

    def shares(self) -> Figure:
        """Of one core, the load client's beside it: above 80 it would be what is measured."""
        each = {part: spent / self.seconds * 100 for part, spent in self.cpu_seconds.items()}
        client = self.client_seconds / self.seconds * 100
        return one(
            "CPU, all parts",
            "% of a core",
            sum(each.values()),
            f"load client {client:.0f} %; {by_part(each)}",
        )


class Parts:
    """The processes of a server by part; a part is a process and its descendants."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._roots = {part: psutil.Process(pid) for part, pid in pids.items()}

    def cpu(self) -> dict[str, float]:
        return {part: sum(map(_cpu_seconds, self._of(part))) for part in self._roots}

    def memory_mib(self) -> dict[str, float]:
        """PSS: what processes share is divided among them. The kernel's buffers are not in it."""
        return {part: sum(map(_pss, self._of(part))) / MIB for part in self._roots}

    def memory(self) -> Figure:
        each = self.memory_mib()
        return one("memory (PSS), all parts", "MiB", sum(each.values()), by_part(each))

    @contextmanager
    def measured(self) -> Iterator[Cost]:
        cost, before, began, mine = Cost(), self.cpu(), time.perf_counter(), time.process_time()
        yield cost
        cost.seconds = time.perf_counter() - began
        cost.client_seconds = time.process_time() - mine
        cost.cpu_seconds = {part: spent - before[part] for part, spent in self.cpu().items()}

    def _of(self, part: str) -> list[psutil.Process]:
        root = self._roots[part]
        if part == SUPERVISOR:
            return [root]
        with contextlib.suppress(psutil.NoSuchProcess):
            return [root, *root.children(recursive=True)]
        return []


def by_part(each: Mapping[str, float]) -> str:
    shown = sorted(each.items(), key=lambda item: -item[1])
    return ", ".join(f"{part} {value:.1f}" for part, value in shown if value >= 0.05)


def _cpu_seconds(process: psutil.Process) -> float:
    # Children that have ended and were waited for are in their parent's account.
    return _of_process(lambda: sum(process.cpu_times()[:4]))


def _pss(process: psutil.Process) -> float:
    return _of_process(lambda: process.memory_full_info().pss)


def _of_process(look: Callable[[], float]) -> float:
    try:
        return look()
    except psutil.Error:
        return 0.0
