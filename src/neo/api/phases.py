import time

from starlette.requests import HTTPConnection


class Phases:
    """How long each phase of a request took, for `meta.timings_ms`."""

    __slots__ = ("_marked", "_spent_ms", "_started")

    def __init__(self) -> None:
        self._started = self._marked = time.perf_counter()
        self._spent_ms: dict[str, float] = {}

    def mark(self, phase: str) -> None:
        """Add the time since the last mark to this phase."""
        now = time.perf_counter()
        self._spent_ms[phase] = self._spent_ms.get(phase, 0.0) + (now - self._marked) * 1000
        self._marked = now

    @property
    def seconds(self) -> float:
        """Since the request began."""
        return time.perf_counter() - self._started

    def timings_ms(self) -> dict[str, float]:
        total = (time.perf_counter() - self._started) * 1000
        return {name: round(spent, 2) for name, spent in (*self._spent_ms.items(), ("total", total))}


def phases_of(request: HTTPConnection) -> Phases:
    phases: Phases = request.scope["state"]["phases"]
    return phases
