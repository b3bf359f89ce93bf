import asyncio
from contextlib import ExitStack

from neo.turns.start_queue import BURST, BURST_PAUSE_SECONDS, STARTS_MAX, WAITING_MAX, StartQueue
from support.recorded import Recorded, request, turn


class Starts(Recorded):
    """Starts that last until they are let."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = StartQueue(self)

    def add(self, *numbers: int) -> None:
        for number in numbers:
            request.set(number)
            assert self.queue.add(turn(number))


async def test_in_a_quiet_moment_a_turn_is_started_at_once() -> None:
    starts = Starts()

    with starts.queue.accepting():
        starts.add(1, 2, 3)
        await asyncio.sleep(0)

    assert starts.begun == ["1", "2", "3"]


async def test_while_many_messages_are_accepted_turns_are_started_one_by_one_and_then_all() -> None:
    starts = Starts()
    with ExitStack() as burst:
        for _ in range(BURST + 1):
            burst.enter_context(starts.queue.accepting())
        starts.add(*range(20))
        await asyncio.sleep(0)
        at_once = len(starts.begun)
        began = asyncio.get_running_loop().time()
        await starts.until_begun(3)
        took = asyncio.get_running_loop().time() - began
        waiting = 20 - len(starts.begun)
    await starts.until_begun(20)

    assert at_once == 0
    assert took >= 2 * BURST_PAUSE_SECONDS
    assert waiting > 0
    assert starts.begun == [str(number) for number in range(20)]
    # Nobody's log line names another's request.
    assert starts.requests == list(range(20))


async def test_no_more_are_under_way_than_may_be() -> None:
    starts = Starts()
    starts.add(*range(STARTS_MAX + 10))

    await starts.until_begun(STARTS_MAX)
    await asyncio.sleep(3 * BURST_PAUSE_SECONDS)
    assert len(starts.begun) == STARTS_MAX
    starts.let.set()
    await starts.until_begun(STARTS_MAX + 10)


async def test_what_is_too_much_or_too_late_is_left_to_the_sweeper() -> None:
    starts = Starts()
    starts.add(*range(STARTS_MAX + WAITING_MAX))

    assert not starts.queue.add(turn(-1))
    await starts.until_begun(STARTS_MAX)
    starts.let.set()
    await starts.queue.aclose()
    await asyncio.sleep(2 * BURST_PAUSE_SECONDS)

    assert len(starts.begun) == STARTS_MAX
