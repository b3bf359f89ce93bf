"""Whoever drives a turn of five segments is killed, wherever it is: another goes on with what is not settled."""

import asyncio
import time
from dataclasses import dataclass
from typing import Literal

import pytest

from faults.caller import in_segment
from faults.history import Reading, silence_after
from faults.world import World

pytestmark = pytest.mark.usefixtures("shape")

# A lease, half a second until the next look, and what a full machine adds.
RECOVERY_SECONDS = 6.0
# Three answers, with refused calls between them.
MODEL = "scripted:tokens=5,rounds=2"


@dataclass(frozen=True)
class Kill:
    """At the `number`th time that a point is reached."""

    point: Literal[
        "after_claim", "before_settle", "after_settle", "before_end", "after_end", "after_terminal"
    ]
    number: int
    # How often the model is asked then, and the turn claimed anew.
    calls: int
    attempts: int
    # The MODEL segment that readers are told was begun anew.
    restarted: int | None = None

    def __str__(self) -> str:
        return f"{self.point}-{self.number}"


KILLS = [
    Kill("after_claim", 1, calls=3, attempts=2, restarted=1),
    # The first CALLS segment, after the first MODEL segment.
    Kill("before_settle", 2, calls=3, attempts=2),
    Kill("after_settle", 4, calls=3, attempts=2, restarted=5),
    Kill("after_end", 1, calls=3, attempts=1),
]


@pytest.mark.parametrize("kill", KILLS, ids=str)
async def test_f6_f8_whoever_drives_a_turn_dies_and_what_is_settled_is_left_alone(
    world: World, kill: Kill
) -> None:
    session = await world.session(MODEL)
    arming = asyncio.create_task(world.stack.points.arm_the(kill.number, kill.point, "exit"))
    await asyncio.sleep(0)
    # Where the API drives the turn, it may die before it has answered.
    posted = await world.caller.insist(session)
    reading = asyncio.create_task(world.caller.read(session, posted.since))
    await arming
    await world.stack.points.taken(kill.point)
    died_at = time.time()

    seen = await reading
    world.recovered(silence_after(seen, died_at), RECOVERY_SECONDS)
    late = await world.caller.read(session, seen.since)
    assert seen.terminals == late.terminals == ["finish"]
    assert restarted(seen) == ([kill.restarted] if kill.restarted else [])
    rest = await world.judged()
    [turn] = rest.turns
    assert (turn.status, turn.attempts) == ("COMPLETED", kill.attempts)
    assert rest.calls[posted.message] == kill.calls


async def test_f6_whoever_drives_is_killed_in_mid_answer_and_that_segment_is_begun_anew(world: World) -> None:
    session = await world.session("scripted:tokens=20,rounds=2,delay_ms=25")
    posted = await world.caller.say(session)
    reading = await world.caller.read(session, posted.since, until=in_segment(3))
    driver = await world.stack.driver_of(str(posted.turn_id))

    await driver.kill()
    died_at = time.time()
    await world.caller.read(session, None, reading=reading)

    world.recovered(silence_after(reading, died_at), RECOVERY_SECONDS)
    assert reading.terminals == ["finish"]
    assert restarted(reading) == [3]
    rest = await world.judged()
    assert [(turn.status, turn.attempts) for turn in rest.turns] == [("COMPLETED", 2)]
    assert rest.calls[posted.message] == 4


def restarted(reading: Reading) -> list[int]:
    return [event.chunk["data"]["segment"] for event in reading.seen if event.type == "data-turn-restarted"]
