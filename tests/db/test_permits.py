"""Permits are waited for as long as some are given back."""

import asyncio
from uuid import uuid4

import pytest

from neo.db import Database
from neo.db.pool import STILL_SECONDS, TENANTS_PART, Permits
from support.server import Server


async def hold(permits: Permits, seconds: float) -> None:
    async with permits.taken():
        await asyncio.sleep(seconds)


async def test_permits_that_are_given_back_are_waited_for_longer_than_those_that_are_stuck() -> None:
    permits = Permits(2)
    moving = [asyncio.create_task(hold(permits, STILL_SECONDS * 0.6)) for _ in range(6)]
    await asyncio.sleep(0)

    began = asyncio.get_running_loop().time()
    async with permits.taken():
        waited = asyncio.get_running_loop().time() - began

    assert waited > STILL_SECONDS
    await asyncio.gather(*moving)


async def test_where_nothing_is_given_back_the_wait_is_refused_and_no_permit_is_lost() -> None:
    permits = Permits(2)
    stuck = [asyncio.create_task(hold(permits, STILL_SECONDS * 2)) for _ in range(2)]
    await asyncio.sleep(0)

    refused = await asyncio.gather(*(hold(permits, 0) for _ in range(3)), return_exceptions=True)
    await asyncio.gather(*stuck)

    assert [type(one) for one in refused] == [TimeoutError] * 3
    async with asyncio.timeout(STILL_SECONDS / 2), permits.taken(), permits.taken():
        pass


async def test_one_who_is_cancelled_while_waiting_takes_no_permit() -> None:
    permits = Permits(1)
    holding = asyncio.create_task(hold(permits, 0.05))
    await asyncio.sleep(0)
    waiting = asyncio.create_task(hold(permits, 0))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await holding

    async with asyncio.timeout(20), permits.taken():
        pass


async def test_one_tenant_has_its_part_of_the_connections_and_another_one_need_not_wait(
    server: Server,
) -> None:
    database = Database(server.addresses.database_url, connections_max=5)
    mine, let_go = uuid4(), asyncio.Event()

    async def hold_mine() -> None:
        async with database.transaction(mine):
            held.append(mine)
            await let_go.wait()

    held = list[object]()
    holding = [asyncio.create_task(hold_mine()) for _ in range(40)]
    try:
        for _ in range(2):
            async with (
                asyncio.timeout(STILL_SECONDS),
                database.transaction(uuid4()),
                database.transaction(uuid4()),
            ):
                assert len(held) <= 4 // TENANTS_PART
    finally:
        let_go.set()
        await asyncio.gather(*holding)
        await database.aclose()

    assert len(held) == len(holding)
