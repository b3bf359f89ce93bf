"""The store of attachments is away."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from faults.world import World
from support.client import SESSIONS, Client
from support.images import image
from support.uploads import granted, put, uploaded


@pytest.fixture
async def client(world: World) -> AsyncIterator[Client]:
    """For what has to be uploaded beforehand."""
    client = Client(world.stack.urls[0], world.api_key)
    yield client
    await client.http.aclose()


@contextmanager
def away(folder: Path) -> Iterator[None]:
    """A file where the folder was: modes would not keep root out."""
    elsewhere = folder.with_suffix(".away")
    folder.rename(elsewhere)
    folder.write_text("")
    try:
        yield
    finally:
        folder.unlink()
        elsewhere.rename(folder)


async def test_f37_without_its_store_uploads_and_posts_are_503_and_nothing_is_lost(
    world: World, client: Client
) -> None:
    session = await world.caller.open()
    kept = await uploaded(client, session, image())
    other = await granted(client, session)

    with away(world.stack.blobs):
        refused_upload = await put(other, image())
        refused = await world.caller.post(session, "Look", "look", attachments=[kept.cited()])
        plain = await world.caller.say(session)
        await world.caller.read(session, plain.since)
    accepted = await world.caller.post(session, "Look", "look", attachments=[kept.cited()])

    assert refused_upload.status_code == 503
    assert (refused.answered.status, refused.answered.code) == (503, "blob_store_unavailable")
    assert accepted.answered.status == 202
    await world.caller.read(session, accepted.since)
    assert [turn.status for turn in (await world.judged()).turns] == ["COMPLETED"] * 2


async def test_f37_a_turn_whose_images_cannot_be_read_is_tried_again_and_then_failed(
    world: World, client: Client
) -> None:
    session = await world.session("scripted:tokens=3,delay_ms=300")
    kept = await uploaded(client, session, image())
    first = await world.caller.say(session)
    accepted = await world.caller.post(session, "Look", "look", attachments=[kept.cited()])
    assert accepted.answered.status == 202

    with away(world.stack.blobs):
        reading = await world.caller.read(session, accepted.since)
    await world.caller.read(session, first.since)

    rest = await world.judged()
    turn = rest.turn(str(accepted.turn_id))
    assert turn is not None
    assert reading.seen[-1].type == "error"
    assert (turn.status, turn.error_code, turn.attempts) == ("FAILED", "blob_store_unavailable", 3)
    answered = await world.caller.call("GET", f"{SESSIONS}/{session}/messages")
    assert answered.status == 200
