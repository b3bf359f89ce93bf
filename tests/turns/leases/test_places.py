"""Room to drive turns: a tenant may take every place but the last ones, which are for tenants that have none."""

from uuid import uuid4

from neo.turns.leases.places import Places

MINE, THEIRS = uuid4(), uuid4()


def opened(most: int = 8, reserved_share: float = 0.125) -> Places:
    places = Places(most, reserved_share)
    places.open()
    return places


def test_the_last_places_are_for_tenants_that_have_none() -> None:
    places = opened(16)

    assert [places.take(MINE) for _ in range(15)] == [True] * 14 + [False]
    assert places.full_tenants == [MINE]
    assert [places.take(THEIRS) for _ in range(2)] == [True, False]
    assert places.free == 1


def test_a_tenant_that_gave_a_place_back_may_take_it_again() -> None:
    places = opened()
    for _ in range(7):
        places.take(MINE)
    places.look.clear()

    places.give_back(MINE)

    assert places.look.is_set()
    assert (places.full_tenants, places.take(MINE)) == ([], True)


def test_nobody_takes_a_place_that_is_closed() -> None:
    places = Places(8, 0.125)

    assert (places.free, places.take(MINE)) == (0, False)
    with places.reserved(2) as count:
        assert count == 0
    places.open()
    assert (places.free, places.take(MINE)) == (8, True)
    places.close()
    assert (places.free, places.take(THEIRS)) == (0, False)


def test_what_a_look_reserves_is_taken_by_no_message_meanwhile() -> None:
    places = opened(2, 0)

    with places.reserved(2) as count:
        assert (count, places.free, places.take(MINE)) == (2, 0, False)
        places.add(MINE)
    assert places.free == 1


def test_a_look_never_asks_for_more_than_there_is_and_never_for_less_than_nothing() -> None:
    places = opened(3, 0)
    asked = []
    for _ in range(5):
        with places.reserved(2) as count:
            asked.append(count)
        places.add(MINE)

    assert asked == [2, 2, 1, 0, 0]


def test_past_what_a_tenant_may_take_one_is_claimed_at_a_time() -> None:
    """Of two that are claimed at once both may be of one tenant."""
    places = opened(16)
    for _ in range(13):
        places.add(MINE)

    with places.reserved(2) as count:
        assert count == 1
    places.add(MINE)
    with places.reserved(2) as count:
        assert (count, places.full_tenants) == (1, [MINE])


def test_a_look_in_flight_counts_against_what_a_tenant_may_take() -> None:
    places = opened()
    for _ in range(5):
        places.take(MINE)

    with places.reserved(2) as count:
        assert (count, places.take(MINE)) == (2, False)
