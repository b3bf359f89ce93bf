"""A tenant that asks for hundreds of slots holds up nobody else."""

import asyncio
from uuid import UUID, uuid4

import pytest

from neo.kit import FairSlots

LOUD, QUIET, OTHER = uuid4(), uuid4(), uuid4()


class Work:
    """Tasks that hold a slot until they are told to end; `held` has whose have one, in the order of their start."""

    def __init__(self, slots: FairSlots) -> None:
        self._slots = slots
        self.held: list[UUID] = []
        self.tasks: list[asyncio.Task[None]] = []
        self._ends: list[asyncio.Event] = []

    async def begin(self, tenant_id: UUID, count: int = 1) -> None:
        self.tasks += [asyncio.create_task(self._hold(tenant_id)) for _ in range(count)]
        await asyncio.sleep(0)

    async def end_first(self) -> None:
        self._ends.pop(0).set()
        for _ in range(5):
            await asyncio.sleep(0)

    async def _hold(self, tenant_id: UUID) -> None:
        async with self._slots.slot(tenant_id):
            self.held.append(tenant_id)
            end = asyncio.Event()
            self._ends.append(end)
            await end.wait()


async def test_another_tenants_first_is_next_however_many_one_waits_for() -> None:
    work = Work(FairSlots(2))
    await work.begin(LOUD, 500)
    await work.begin(QUIET, 2)
    await work.begin(OTHER)

    for _ in range(6):
        await work.end_first()

    # By turns, as long as others wait.
    assert work.held == [LOUD, LOUD, QUIET, LOUD, OTHER, QUIET, LOUD, LOUD]
    for task in work.tasks:
        task.cancel()
    await asyncio.gather(*work.tasks, return_exceptions=True)


async def test_one_has_no_more_than_each_may_and_what_is_left_is_for_others() -> None:
    work = Work(FairSlots(3, each=2))
    await work.begin(LOUD, 500)
    await work.begin(QUIET, 2)

    for _ in range(2):
        await work.end_first()

    assert work.held == [LOUD, LOUD, QUIET, LOUD, QUIET]
    for task in work.tasks:
        task.cancel()
    await asyncio.gather(*work.tasks, return_exceptions=True)


async def test_who_is_given_up_while_waiting_or_just_served_takes_no_slot_along() -> None:
    slots = FairSlots(1)
    work = Work(slots)
    await work.begin(LOUD, 3)
    _, waits, served = work.tasks
    waits.cancel()
    work._ends[0].set()
    await asyncio.sleep(0)
    served.cancel()
    await asyncio.gather(*work.tasks, return_exceptions=True)

    with pytest.raises(ZeroDivisionError):
        async with slots.slot(QUIET):
            _ = 1 / 0
    async with asyncio.timeout(20), slots.slot(QUIET):
        pass
