"""Large bodies take turns, and leave most of the event loop to everybody else."""

import asyncio
import time
from itertools import pairwise
from uuid import uuid4

import httpx2
import pytest

from api.stage import error_of
from neo.api import LargeBodies, Sender
from neo.api.large.bodies import LARGE_BYTES, OTHERS_SHARE, WAITING_MAX, TooManyLargeBodies

PARSE_SECONDS = 0.01


def parse() -> float:
    until = time.thread_time() + PARSE_SECONDS
    while time.thread_time() < until:
        pass
    return time.monotonic()


def sender() -> Sender:
    return Sender(uuid4())


async def test_after_each_the_loop_is_everybody_elses_for_a_while() -> None:
    large = LargeBodies()

    ended = sorted(await asyncio.gather(*(large.in_turn(sender(), parse) for _ in range(4))))

    assert all(later - earlier > OTHERS_SHARE * PARSE_SECONDS for earlier, later in pairwise(ended))


async def test_of_a_tenant_so_many_wait_and_another_ones_goes_before_them() -> None:
    large, mine, order = LargeBodies(), sender(), list[str]()
    held = [
        asyncio.create_task(large.in_turn(mine, lambda: order.append("mine"))) for _ in range(WAITING_MAX)
    ]
    await asyncio.sleep(0)

    with pytest.raises(TooManyLargeBodies) as refused:
        await large.in_turn(mine, parse)
    await large.in_turn(sender(), lambda: order.append("theirs"))
    await asyncio.gather(*held)

    assert refused.value.code == "too_many_large_bodies"
    # One was parsed already, and the next was on its way.
    assert order.index("theirs") <= 2
    assert await large.in_turn(mine, parse)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ('{"name":"%s"}', 202, None),
        ('{"name":"%s","name":"b"}', 400, "malformed_json"),
        ('{"name":["%s"]}', 422, "validation_error"),
    ],
)
async def test_a_large_body_is_answered_like_any_other(
    http: httpx2.AsyncClient, body: str, status: int, code: str | None
) -> None:
    raw = (body % ("x" * LARGE_BYTES)).encode()

    answer = await http.post("/things/a", content=raw, headers={"content-type": "application/json"})

    assert answer.status_code == status
    assert code is None or error_of(answer)["code"] == code
