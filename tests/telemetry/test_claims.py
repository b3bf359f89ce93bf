"""What is counted of turns that are claimed, taken over and driven."""

from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest

from neo.telemetry.metrics_server import metrics_served
from neo.turns.leases.claim import claim_turns
from neo.turns.leases.places import Places
from support.bare_database import BareDatabase, bare_database
from support.metrics import read_metrics


@pytest.fixture(scope="module")
async def bare(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BareDatabase]:
    async with bare_database(tmp_path_factory.mktemp("claims") / "data") as found:
        yield found


@pytest.fixture
def port() -> Iterator[int]:
    with metrics_served("127.0.0.1", 0) as port:
        yield port


async def test_a_turn_that_nobody_had_is_counted_as_found(bare: BareDatabase, port: int) -> None:
    await bare.session("QUEUED")
    before = await read_metrics(port)

    [task] = await claim_turns(bare.database, 2, takes_over=True)

    after = await read_metrics(port)
    ways = {
        way: after.value("turns_claimed_total", way=way) - before.value("turns_claimed_total", way=way)
        for way in ("look", "take_over")
    }
    assert (task.late_seconds, ways) == (None, {"look": 1, "take_over": 0})


async def test_a_turn_that_is_taken_over_says_how_late(bare: BareDatabase, port: int) -> None:
    _, [turn_id] = await bare.session("RUNNING")
    lapsed = "UPDATE chat_turns SET lease_id = :lease, claimable_at = now() - interval '3 s' WHERE id = :id"
    await bare.change(lapsed, lease=uuid4(), id=turn_id)
    before = await read_metrics(port)

    [task] = await claim_turns(bare.database, 2, takes_over=True)

    after = await read_metrics(port)
    took = after.value("turn_take_over_seconds_sum") - before.value("turn_take_over_seconds_sum")
    assert task.turn.id == turn_id
    assert 3 <= took < 10
    assert after.value("turn_take_over_seconds_count") - before.value("turn_take_over_seconds_count") == 1


async def test_places_and_turns_that_are_driven_are_shown(port: int) -> None:
    places, tenant_id = Places(8, 0.125), uuid4()
    places.open()
    places.add(tenant_id)
    during = await read_metrics(port)

    places.give_back(tenant_id)
    places.close()

    after = await read_metrics(port)
    shown = [(now.value("turn_places"), now.value("turns_driven")) for now in (during, after)]
    assert shown == [(8, 1), (0, 0)]
