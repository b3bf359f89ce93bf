"""What a caller may have of what is everybody's or their tenant's, so that nobody uses up what is somebody else's: the
shares, and the count of what is under way at once.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from types import TracebackType
from typing import Protocol

from neo.access.principal import CallerKind, Role

# All end users together, who are many and unknown.
END_USERS_PERCENT = 75
# Beyond what all others may take, so that an Admin can still look, and stop who takes it.
ADMINS_PERCENT = 110
# The outermost place of what is counted.
PROCESS = "process"


class Asker(Protocol):
    """A caller, or what is known of who asked for something earlier."""

    @property
    def kind(self) -> CallerKind | None: ...

    @property
    def role(self) -> Role | None: ...


def most_for(caller: Asker, most: int) -> int:
    """How many there may be when this caller asks for one more, of `most` that the tenant has: end users meet their
    bound first, Admins last.
    """
    if caller.kind is CallerKind.END_USER:
        return _percent(END_USERS_PERCENT, most)
    return for_admins(most) if caller.role is Role.ADMIN else most


def for_admins(most: int) -> int:
    return _percent(ADMINS_PERCENT, most)


def _percent(percent: int, most: int) -> int:
    """Rounded up."""
    return -(-percent * most // 100)


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
