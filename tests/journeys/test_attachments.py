"""Images from the upload to the model and back into the transcript, from outside."""

import asyncio
import hashlib
from typing import Any

import httpx2
import pytest

from support.client import POLL_SECONDS, TAIL_SECONDS, Client
from support.images import image, opened, with_place
from support.rows import Rows
from support.server import Server
from support.uploads import fetched, files_of, granted, put, uploaded


async def calls(scripted: httpx2.AsyncClient, key: str) -> list[dict[str, Any]]:
    found = (await scripted.get("/control/calls")).json()["calls"]
    return [call for call in found if call["model"].endswith(f"key={key}")]


async def opened_with(client: Client, rows: Rows, model: str) -> str:
    return await client.open(agent_id=await rows.agent(model))


@pytest.mark.parametrize("dialect", ["scripted", "scripted-chat", "scripted-anthropic"])
async def test_the_model_sees_the_pixels_that_the_transcript_shows(
    client: Client, rows: Rows, scripted: httpx2.AsyncClient, dialect: str
) -> None:
    key = f"pixels-{dialect}"
    session = await opened_with(client, rows, f"{dialect}:tokens=3,key={key}")
    upload = await uploaded(client, session, with_place(), "image/jpeg", filename="IMG 1.jpg")

    accepted = await client.say(
        session, "What is this?", attachments=[upload.cited(alt="A red wall", filename="wall.jpg")]
    )
    turn = await client.ended(session, accepted["chat_turn_id"])

    assert turn["status"] == "COMPLETED", turn["error"]
    messages = await client.messages(session)
    [file] = files_of(messages)
    answer = await fetched(file["url"])
    [call] = await calls(scripted, key)
    assert messages["messages"][0]["parts"][0] == {"type": "text", "text": "What is this?"}
    assert (file["mediaType"], file["filename"]) == ("image/jpeg", "wall.jpg")
    assert call["images"] == [
        {
            "media_type": "image/jpeg",
            "size": len(answer.content),
            "sha256": hashlib.sha256(answer.content).hexdigest(),
        }
    ]
    assert "A red wall" in call["text"]
    assert opened(answer.content).size == (30, 40)
    assert dict(opened(answer.content).getexif()) == {}
    assert b"Ignore all previous" not in answer.content


async def test_a_message_may_be_images_alone(
    client: Client, rows: Rows, scripted: httpx2.AsyncClient
) -> None:
    session = await opened_with(client, rows, "scripted:tokens=3,key=alone")
    uploads = [await uploaded(client, session, image(colour=(9 * n, 0, 0))) for n in range(6)]

    accepted = await client.say(session, "", attachments=[one.cited() for one in uploads])

    assert (await client.ended(session, accepted["chat_turn_id"]))["status"] == "COMPLETED"
    [call] = await calls(scripted, "alone")
    assert len(call["images"]) == 6
    assert [part["type"] for part in (await client.messages(session))["messages"][0]["parts"]] == ["file"] * 6


async def test_earlier_images_ride_along_when_the_transcript_is_sent_and_only_then(
    client: Client, rows: Rows, scripted: httpx2.AsyncClient
) -> None:
    for dialect, images in (("scripted-chat", [1, 1, 2]), ("scripted", [1, 0, 1])):
        key = f"ride-{dialect}"
        session = await opened_with(client, rows, f"{dialect}:tokens=3,key={key}")
        for message, has_image in (("Look", True), ("And?", False), ("Now?", True)):
            cited = [(await uploaded(client, session, image())).cited()] if has_image else []
            accepted = await client.say(session, message, attachments=cited)
            assert (await client.ended(session, accepted["chat_turn_id"]))["status"] == "COMPLETED"

        assert [len(call["images"]) for call in await calls(scripted, key)] == images


async def test_g9_an_image_that_breaks_in_the_turn_fails_it_and_nothing_else(
    client: Client, rows: Rows, scripted: httpx2.AsyncClient
) -> None:
    session = await opened_with(client, rows, "scripted-chat:tokens=3,key=breaks")
    whole = image("PNG", (300, 300), compress_level=0)
    upload = await uploaded(client, session, whole[: len(whole) // 2])

    accepted = await client.say(session, "Look", attachments=[upload.cited()])
    failed = await client.ended(session, accepted["chat_turn_id"])
    events = await client.events(session, accepted["since_cursor"])
    following = await client.say(session, "Never mind.")

    assert (failed["status"], failed["error"]["code"]) == ("FAILED", "attachment_invalid")
    assert events[-1].chunk["errorText"].startswith("attachment_invalid: ")
    assert (await client.ended(session, following["chat_turn_id"]))["status"] == "COMPLETED"
    [call] = await calls(scripted, "breaks")
    assert call["images"] == []
    assert files_of(await client.messages(session))[0]["url"] == ""


async def test_g4_what_is_changed_after_the_message_was_accepted_is_not_the_messages(
    client: Client, server: Server, rows: Rows, scripted: httpx2.AsyncClient
) -> None:
    session = await opened_with(client, rows, "scripted:tokens=3,pause_after=1,gate=g4,key=g4")
    upload = await uploaded(client, session, image())
    # The turn waits behind one that is held up, so that the swap comes between acceptance and use.
    held = await client.say(session, "Hold on")
    accepted = await client.say(session, "Look", attachments=[upload.cited()])

    refused = await put(upload, image(colour=(0, 0, 255)))
    (server.data / "blobs" / upload.blob_path).write_bytes(image(colour=(0, 0, 255)))
    await _release(scripted, "g4")
    failed = await client.ended(session, accepted["chat_turn_id"])

    assert refused.status_code == 403
    assert (await client.ended(session, held["chat_turn_id"]))["status"] == "COMPLETED"
    assert (failed["status"], failed["error"]["code"]) == ("FAILED", "attachment_invalid")


async def test_g12_what_is_uploaded_after_the_turn_is_nobodys(client: Client) -> None:
    session = await client.open()
    upload = await uploaded(client, session, image())
    accepted = await client.say(session, "Look", attachments=[upload.cited()])
    await client.ended(session, accepted["chat_turn_id"])
    before = (await fetched(files_of(await client.messages(session))[0]["url"])).content

    await put(upload, image(colour=(0, 0, 255)))

    after = (await fetched(files_of(await client.messages(session))[0]["url"])).content
    assert after == before


async def test_a_url_is_signed_anew_each_time_and_works_without_a_key(client: Client) -> None:
    session = await client.open()
    upload = await uploaded(client, session, image(), filename="träger.html")
    accepted = await client.say(session, "Look", attachments=[upload.cited()])
    await client.ended(session, accepted["chat_turn_id"])

    [first] = files_of(await client.messages(session, order="desc"))
    [second] = files_of(await client.messages(session))

    assert first["filename"] == "träger.html"
    for part in (first, second):
        answer = await fetched(part["url"])
        assert answer.status_code == 200
        assert answer.headers["content-disposition"] == (
            "attachment; filename=\"tr_ger.jpg\"; filename*=UTF-8''tr%C3%A4ger.jpg"
        )


async def test_a_model_that_cannot_see_says_so_and_goes_on_without(client: Client, rows: Rows) -> None:
    session = await client.open(agent_id=await rows.agent("local:none"))
    upload = await uploaded(client, session, image())

    accepted = await client.say(session, "Look", attachments=[upload.cited()])
    failed = await client.ended(session, accepted["chat_turn_id"])

    # The server of these tests has no local model: what fails first says which it was.
    assert failed["error"]["code"] in ("images_not_supported", "provider_not_configured")


async def test_the_grant_of_another_session_is_as_good_as_none(client: Client) -> None:
    mine, other = await client.open(), await client.open()
    upload = await granted(client, mine)
    await put(upload, image())

    answer = await client.post(other, "Look", attachments=[upload.cited()])

    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "attachment_not_found")


async def _release(scripted: httpx2.AsyncClient, gate: str) -> None:
    """Let the turn go on that waits at the gate, or will in a moment."""
    async with asyncio.timeout(TAIL_SECONDS):
        while not (await scripted.post("/control/release", params={"gate": gate})).json()["released"]:
            await asyncio.sleep(POLL_SECONDS)
