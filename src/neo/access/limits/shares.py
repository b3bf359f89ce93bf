"""What a caller may have of what belongs to their tenant, so that nobody uses up what is somebody else's."""

from typing import Protocol

from neo.access.principal import CallerKind, Role

# All end users together, who are many and unknown.
END_USERS_PERCENT = 75
# Beyond what all others may take, so that an Admin can still look, and stop who takes it.
ADMINS_PERCENT = 110


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
