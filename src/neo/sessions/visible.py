"""Who sees which session inside a tenant, and who may change it."""

from typing import Protocol
from uuid import UUID

from neo.access import CallerKind, Principal, Role
from neo.errors import Failure, Kind
from neo.sessions.store import SessionNotFound


class Owned(Protocol):
    """The columns that say whose a session is; hot paths read no others."""

    @property
    def id(self) -> UUID: ...
    @property
    def account_id(self) -> UUID: ...
    @property
    def actor_tenant_id(self) -> UUID | None: ...
    @property
    def channel(self) -> str: ...


class SessionNotYours(Failure):
    """An Admin may read other people's sessions, not write to them."""

    kind = Kind.FORBIDDEN
    code = "session_not_yours"
    remedy = "Open a session of your own."


def check_readable(caller: Principal, session: Owned) -> None:
    """Raise `SessionNotFound` for a session that the caller may not see, as if it did not exist."""
    if not is_readable(caller, session):
        raise SessionNotFound("No such chat session.")


def check_writable(caller: Principal, session: Owned) -> None:
    check_readable(caller, session)
    if caller.role is Role.ADMIN and not is_own(caller, session):
        raise SessionNotYours("An Admin may read other people's sessions, and write to their own only.")


def is_own(caller: Principal, session: Owned) -> bool:
    """Whether this account opened the session; an account outlives its keys and sign-ins."""
    if caller.is_platform and session.actor_tenant_id != caller.home_tenant_id:
        return False
    return session.account_id == caller.account_id and session.channel == caller.surface


def is_readable(caller: Principal, session: Owned) -> bool:
    if caller.kind is CallerKind.END_USER:
        return session.id == caller.session_id
    return caller.sees_whole_tenant or is_own(caller, session)
