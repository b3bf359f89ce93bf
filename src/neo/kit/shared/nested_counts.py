"""How many of something are under way at once, counted in each of the places that it is in."""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from types import TracebackType

# The outermost place.
PROCESS = "process"


class Permit:
    """The permission for one more; given back at the end of its block."""

    __slots__ = ("_counts", "_places")

    def __init__(self, counts: Counter[Hashable] | None = None, places: Iterable[Hashable] = ()) -> None:
        self._counts = Counter() if counts is None else counts
        self._places = tuple(places)
        self._counts.update(self._places)

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for place in self._places:
            self._counts[place] -= 1
            if not self._counts[place]:
                del self._counts[place]


class NestedCounts:
    """Whoever asks names the places that one more would be in, the innermost first, each with the most that may be
    there then; 0 is no bound.
    """

    def __init__(self) -> None:
        self._counts: Counter[Hashable] = Counter()

    def under_way(self, place: Hashable) -> int:
        return self._counts[place]

    def full(self, places: Mapping[Hashable, int]) -> Hashable | None:
        """The first of them that has its most."""
        return next((place for place, most in places.items() if most and self._counts[place] >= most), None)

    def permit(self, places: Iterable[Hashable]) -> Permit:
        """Count one more there. Nothing may have been waited for since it was asked whether they are full."""
        return Permit(self._counts, places)
