"""Requests are counted exactly over all processes, and a Valkey that is away keeps nobody waiting."""

import asyncio
import time
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from events.stage import ValkeyServer, running_valkey
from neo.access import Credential, Principal, Role
from neo.access.limits.requests import ANSWER_SECONDS, Allowance, RequestLimiter
from neo.access.limits.window import SharedWindows
from neo.access.principal import CallerKind, CredentialKind
from neo.streams import Valkey

LIMIT = 20


@pytest.fixture(scope="module")
async def valkey_server() -> AsyncIterator[ValkeyServer]:
    with running_valkey() as server:
        yield server


@pytest.fixture
async def processes(valkey_server: ValkeyServer) -> AsyncIterator[list[RequestLimiter]]:
    """What two processes count with."""
    limiters = [RequestLimiter(valkey_server.url, LIMIT) for _ in range(2)]
    yield limiters
    for limiter in limiters:
        await limiter.aclose()


def caller(kind: CallerKind, role: Role | None = None) -> Principal:
    credentials = {
        CallerKind.END_USER: CredentialKind.SESSION_TOKEN,
        CallerKind.TECHNICIAN: CredentialKind.TECHNICIAN,
    }
    tenant_id = uuid4()
    credential = Credential(credentials.get(kind, CredentialKind.API_KEY), tenant_id, uuid4())
    return Principal(kind, tenant_id, tenant_id, uuid4(), credential, role)


ACCOUNT = caller(CallerKind.SERVICE_ACCOUNT)


async def taken(limiter: RequestLimiter, tenant_id: UUID, who: Principal = ACCOUNT) -> Allowance:
    return await limiter.take(tenant_id, who)


async def test_processes_count_each_request_once_and_all_of_them_exactly(
    processes: list[RequestLimiter],
) -> None:
    tenant_id = uuid4()

    found = await asyncio.gather(*(taken(processes[n % 2], tenant_id) for n in range(LIMIT + 5)))
    later = await taken(processes[0], tenant_id)
    other = await taken(processes[1], uuid4())

    allowed = [one.remaining for one in found if not one.is_exceeded]
    assert sorted(allowed) == list(range(LIMIT))
    assert [one.remaining for one in found if one.is_exceeded] == [0] * 5
    assert later.is_exceeded
    assert 0 < later.reset_epoch_seconds - time.time() <= 61
    assert other.remaining == LIMIT - 1


async def test_the_window_slides_and_a_refused_request_does_not_fill_it(valkey_server: ValkeyServer) -> None:
    valkey = Valkey(valkey_server.url)
    window, tenant_id = SharedWindows(valkey, seconds=2), uuid4()

    first = await window.count({tenant_id: 2})
    await asyncio.sleep(1)
    second = await window.count({tenant_id: 2})
    refused = [await window.count({tenant_id: 2}) for _ in range(3)]
    await asyncio.sleep(max(0.0, first.reset_epoch_seconds - time.time()) + 0.05)
    after = [await window.count({tenant_id: 2}) for _ in range(2)]
    await valkey.aclose()

    assert [first.remaining, second.remaining] == [1, 0]
    assert [one.is_allowed for one in refused] == [False] * 3
    assert {one.reset_epoch_seconds for one in refused} == {first.reset_epoch_seconds}
    # The first request has left the window, the second one has not.
    assert [one.is_allowed for one in after] == [True, False]


async def test_without_valkey_one_request_asks_for_it_and_the_others_are_counted_here() -> None:
    with running_valkey() as server:
        limiter, tenant_id = RequestLimiter(server.url, LIMIT), uuid4()
        await taken(limiter, tenant_id)
        server.pause()
        await taken(limiter, tenant_id)

        # As if the breaker's time were over, while Valkey still does not answer.
        limiter._ask_again_at = 0.0
        asking = asyncio.create_task(taken(limiter, tenant_id))
        await asyncio.sleep(0)
        started = time.monotonic()
        others = [await taken(limiter, tenant_id) for _ in range(LIMIT)]
        waited_seconds = time.monotonic() - started
        await asking
        server.resume()
        limiter._ask_again_at = 0.0
        shared = await taken(limiter, tenant_id)
        await limiter.aclose()

    assert waited_seconds < ANSWER_SECONDS / 2
    assert [one.is_exceeded for one in others] == [False] * (LIMIT - 1) + [True]
    # Counted in Valkey again, which knows of the first request, and of those that it was asked about while it was away.
    assert LIMIT - 4 <= shared.remaining <= LIMIT - 2
    assert not shared.is_exceeded


async def used_up(limiter: RequestLimiter, tenant_id: UUID, who: Principal) -> int:
    """How many requests the caller has before one is refused."""
    for number in range(10 * LIMIT):
        if (await taken(limiter, tenant_id, who)).is_exceeded:
            return number
    raise AssertionError("Nothing is refused.")


async def test_no_caller_uses_up_what_is_somebody_elses(valkey_server: ValkeyServer) -> None:
    limiter, tenant_id = RequestLimiter(valkey_server.url, LIMIT, LIMIT // 2), uuid4()
    token, other_token, third_token = (caller(CallerKind.END_USER) for _ in range(3))
    user, admin = (caller(CallerKind.TECHNICIAN, role) for role in (Role.USER, Role.ADMIN))

    found = [await used_up(limiter, tenant_id, who) for who in (token, other_token, third_token)]
    found += [await used_up(limiter, tenant_id, who) for who in (ACCOUNT, user, admin)]
    elsewhere = await taken(limiter, uuid4(), other_token)
    await limiter.aclose()

    # One end user has a half here, all of them three quarters; an Admin has what is beyond everybody's.
    assert found == [10, 5, 0, 5, 0, 2]
    assert elsewhere.limit == LIMIT // 2
