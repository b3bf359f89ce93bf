"""Who reads and who writes a session: each kind of caller, against each owner."""

from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest

from neo.access import Principal, Role, Surface
from neo.sessions import SessionNotFound, check_readable, check_writable
from neo.sessions.visible import SessionNotYours
from sessions.callers import end_user, platform, service_account, technician

TENANT, PLATFORM, OTHER_PLATFORM = uuid4(), uuid4(), uuid4()
ME, SOMEBODY = uuid4(), uuid4()
SESSION = uuid4()


@dataclass(frozen=True)
class Session:
    account_id: UUID
    channel: str
    actor_tenant_id: UUID | None = None
    id: UUID = SESSION


BY_KEY = Session(ME, Surface.API)
BY_DASHBOARD = Session(ME, Surface.DASHBOARD)
BY_RELAY = Session(ME, Surface.TEAMS, PLATFORM)
RELAY = platform(TENANT, PLATFORM, ME)


@pytest.mark.parametrize(
    ("caller", "session"),
    [
        (service_account(TENANT, ME), BY_KEY),
        (service_account(TENANT, SOMEBODY), BY_DASHBOARD),
        (technician(TENANT, Role.USER, ME), BY_DASHBOARD),
        (technician(TENANT, Role.ADMIN, ME), BY_DASHBOARD),
        (end_user(TENANT, SESSION), BY_RELAY),
        (RELAY, BY_RELAY),
    ],
)
def test_who_reads_and_writes(caller: Principal, session: Session) -> None:
    check_readable(caller, session)
    check_writable(caller, session)


@pytest.mark.parametrize(
    ("caller", "session"),
    [
        (technician(TENANT, Role.USER, SOMEBODY), BY_DASHBOARD),
        # The same account by another surface, and another platform that has the same account id.
        (technician(TENANT, Role.USER, ME), BY_KEY),
        (RELAY, BY_KEY),
        (platform(TENANT, PLATFORM, SOMEBODY), BY_RELAY),
        (platform(TENANT, OTHER_PLATFORM, ME), BY_RELAY),
        (end_user(TENANT, uuid4()), BY_RELAY),
    ],
)
def test_for_whom_it_does_not_exist(caller: Principal, session: Session) -> None:
    for check in (check_readable, check_writable):
        with pytest.raises(SessionNotFound):
            check(caller, session)


@pytest.mark.parametrize("session", [BY_KEY, BY_RELAY, Session(SOMEBODY, Surface.DASHBOARD)])
def test_an_admin_reads_what_they_may_not_write(session: Session) -> None:
    admin = technician(TENANT, Role.ADMIN, ME)

    check_readable(admin, session)
    with pytest.raises(SessionNotYours):
        check_writable(admin, session)
