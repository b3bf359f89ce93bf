"""So many calls at once of a tenant and of a connection, first come first served, and who leaves takes no room."""

import asyncio
from uuid import UUID, uuid4

import pytest

from neo.calls import CallRoom

OURS, THEIRS = uuid4(), uuid4()
SLOW, OTHER, FOREIGN = uuid4(), uuid4(), uuid4()


class Waiter:
    def __init__(self, room: CallRoom, tenant: UUID, connection: UUID) -> None:
        self.stop, self.done = asyncio.Event(), asyncio.Event()
        self.got: bool | None = None
        self.task = asyncio.create_task(self._run(room, tenant, connection))

    async def _run(self, room: CallRoom, tenant: UUID, connection: UUID) -> None:
        async with room.held(tenant, connection, self.stop) as self.got:
            if self.got:
                await self.done.wait()


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def waiters(room: CallRoom, *asked: tuple[UUID, UUID]) -> list[Waiter]:
    begun = [Waiter(room, *one) for one in asked]
    await settled()
    return begun


@pytest.fixture
async def room() -> CallRoom:
    return CallRoom(of_tenant=3, of_connection=2)


async def test_a_slow_server_and_a_busy_tenant_take_no_room_of_others(room: CallRoom) -> None:
    begun = await waiters(room, *[(OURS, SLOW)] * 4, (OURS, OTHER), (OURS, OTHER), *[(THEIRS, FOREIGN)] * 2)

    assert [one.got for one in begun] == [True, True, None, None, True, None, True, True]
    await ended(*begun)


async def test_who_has_come_first_is_first(room: CallRoom) -> None:
    begun = await waiters(room, *[(OURS, SLOW)] * 4)

    begun[0].done.set()
    await settled()

    assert [one.got for one in begun[2:]] == [True, None]
    await ended(*begun)


@pytest.mark.parametrize("way", ["stop", "cancel"])
async def test_who_leaves_the_queue_or_is_gone_as_it_is_called_leaves_the_room_to_others(
    room: CallRoom, way: str
) -> None:
    first, second, third, fourth = await waiters(room, *[(OURS, SLOW)] * 4)

    third.stop.set() if way == "stop" else third.task.cancel()
    await settled()
    first.done.set()
    # In the same moment in which it is called.
    second.done.set()
    if way == "cancel":
        fourth.task.cancel()
    await settled()

    assert third.got in (False, None)
    assert third.task.done()
    fifth, sixth = await waiters(room, *[(OURS, SLOW)] * 2)
    assert [fifth.got, sixth.got] == ([True, None] if way == "stop" else [True, True])
    await ended(first, second, third, fourth, fifth, sixth)
    assert not room._lines


async def ended(*begun: Waiter) -> None:
    for one in begun:
        one.done.set()
    await asyncio.gather(*(one.task for one in begun), return_exceptions=True)
