"""How many turns may wait: of a session, and of a tenant."""

from dataclasses import dataclass

from neo.access import CallerKind, Principal, most_for


@dataclass(frozen=True)
class QueueBounds:
    """Most open turns of a session, and of a tenant those that nobody drives; 0 is no bound.

    An end user's token opens one session: an end user is refused there sooner than others, and in the tenant while
    three quarters are taken. The tenant's Admins have a tenth more than all others.
    """

    session: int
    end_users: int = 0
    tenant: int = 0

    def of_session(self, caller: Principal) -> int:
        is_less = caller.kind is CallerKind.END_USER and 0 < self.end_users < self.session
        return self.end_users if is_less else self.session

    def of_tenant(self, caller: Principal) -> int:
        return most_for(caller, self.tenant)
