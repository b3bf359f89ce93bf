"""Posts that race: the same one fifty times, and fifty different ones.

On a busy machine some wait too long for a connection and are refused (503). Clients post those again, and so do these.
"""

import asyncio
from collections import Counter
from uuid import uuid4

from faults.world import World

POSTS = 50


async def test_f25_fifty_equal_posts_to_two_apis_are_one_turn(world: World) -> None:
    session = await world.caller.open()
    name, message = uuid4().hex, f"say {uuid4()}"

    posts = await asyncio.gather(
        *(world.caller.insist(session, message, name, api=number % 2) for number in range(POSTS))
    )

    assert Counter(post.answered.status for post in posts) == {202: 1, 409: POSTS - 1}
    assert len({post.turn_id for post in posts}) == 1
    assert {post.answered.code for post in posts} == {None, "duplicate_client_message_id"}
    [since] = {post.since for post in posts}
    await world.caller.read(session, since)
    rest = await world.judged()
    assert len(rest.turns) == 1
    assert rest.calls[message] == 1


async def test_f26_fifty_different_posts_to_two_apis_run_one_after_the_other(world: World) -> None:
    session = await world.caller.open()

    posts = await asyncio.gather(
        *(world.caller.insist(session, f"say {uuid4()}", api=number % 2) for number in range(POSTS))
    )
    tails = [world.caller.read(session, post.since) for post in posts]
    await asyncio.gather(*tails)

    assert {post.answered.status for post in posts} == {202}
    rest = await world.judged()
    assert [turn.turn_no for turn in rest.turns] == list(range(1, POSTS + 1))
    assert {turn.status for turn in rest.turns} == {"COMPLETED"}
