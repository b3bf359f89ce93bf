"""What may be attached, and what is refused, with the rows of the attack table by their ids."""

import asyncio
import re
from datetime import datetime
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from neo.access import UrlSigner
from support.client import SESSIONS, Client
from support.images import animation, chunk, image, noise, png_of
from support.rows import Rows
from support.server import Server
from support.uploads import Upload, ask_grant, files_of, granted, put, uploaded


def told(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def posted(client: Client, session: str, *uploads: Upload, **body: Any) -> httpx2.Response:
    return await client.post(session, "Look", attachments=[one.cited() for one in uploads], **body)


@pytest.fixture
async def session(client: Client) -> str:
    return await client.open()


@pytest.mark.parametrize(
    "path",
    [
        "{}/../{}", "%2e%2e/{}", "{}//x", "{}\\x", "/{}", "/etc/passwd", "．．/{}", "https://evil.example/{}",
        "other-container/{}", "", " ", "{} ", "{}/", "{}?x", "{}\n", "{}".upper(),
    ],
)  # fmt: skip
async def test_g1_a_path_that_was_not_issued_is_refused_however_it_is_written(
    client: Client, session: str, path: str
) -> None:
    upload = await uploaded(client, session, image())
    written = path.replace("{}", upload.blob_path)
    if path == "{}".upper():
        written = upload.blob_path.upper()

    answer = await client.post(session, "Look", attachments=[{**upload.cited(), "blob_path": written}])

    assert told(answer) == (422, "attachment_not_found")


async def test_g1_a_nul_never_gets_so_far(client: Client, session: str) -> None:
    answer = await client.post(session, "Look", attachments=[{"blob_path": "a\0b", "mime": "image/png"}])

    assert told(answer) == (422, "validation_error")


async def test_g2_g3_a_path_of_anothers_is_as_one_that_never_was(
    client: Client, rows: Rows, session: str
) -> None:
    tenant = await rows.tenant()
    other = Client(str(client.http.base_url), tenant.api_key)
    foreign = await uploaded(other, await other.open(), image())
    sibling = await uploaded(client, await client.open(), image())
    mine = await uploaded(client, session, image())
    never = Upload("", mine.blob_path.rpartition("/")[0] + f"/{uuid4()}", "image/png")
    longer = Upload("", mine.blob_path + "0/x", "image/png")
    used = await uploaded(client, session, image())
    accepted = (await posted(client, session, used)).json()["data"]
    await client.ended(session, accepted["chat_turn_id"])

    answers = [await posted(client, session, one) for one in (foreign, sibling, never, longer, used)]

    assert {told(answer) for answer in answers} == {(422, "attachment_not_found")}
    assert len({str(answer.json()["error"]) for answer in answers}) == 1
    await other.http.aclose()


async def test_g4_what_was_never_uploaded_is_refused_and_may_be_uploaded_still(
    client: Client, session: str
) -> None:
    upload = await granted(client, session)

    early = await posted(client, session, upload)
    await put(upload, image())

    assert told(early) == (422, "attachment_not_uploaded")
    assert early.json()["error"]["details"]["fields"] == {"attachments.0": "has not been uploaded"}
    assert (await posted(client, session, upload)).status_code == 202


async def test_g4_of_two_uploads_before_the_message_the_last_counts(client: Client, session: str) -> None:
    upload = await uploaded(client, session, b"not an image at all")

    first = await put(upload, image())
    second = await put(upload, image(colour=(1, 2, 3)))

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.headers["etag"] != second.headers["etag"]
    assert (await posted(client, session, upload)).status_code == 202


async def test_g5_seven_the_same_twice_and_nothing_at_all_are_refused(client: Client, session: str) -> None:
    upload = await uploaded(client, session, image())
    cited = [{**upload.cited(), "blob_path": f"{upload.blob_path}{n}"} for n in range(7)]

    seven = await client.post(session, "Look", attachments=cited)
    twice = await posted(client, session, upload, upload)
    nothing = await client.post(session, "", attachments=[])

    assert told(seven) == (422, "too_many_attachments")
    assert told(twice) == (422, "attachment_repeated")
    assert told(nothing) == (422, "message_empty")


@pytest.mark.parametrize(
    "data",
    [
        image("JPEG"),
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"<!doctype html><script>alert(1)</script>",
        b"%PDF-1.7\n%",
        b"MZ\x90\0\x03",
        b"",
    ],
    ids=["jpeg", "svg", "html", "pdf", "exe", "empty"],
)
async def test_g6_content_of_another_type_is_refused(client: Client, session: str, data: bytes) -> None:
    upload = await uploaded(client, session, data, filename="honest.png")

    assert told(await posted(client, session, upload)) == (422, "attachment_type_mismatch")


async def test_g6_another_type_than_the_granted_one_is_refused(client: Client, session: str) -> None:
    honest = await uploaded(client, session, image())
    other = await uploaded(client, session, image("JPEG"))

    for upload in (honest, other):
        answer = await client.post(session, "Look", attachments=[{**upload.cited(), "mime": "image/jpeg"}])
        assert told(answer) == (422, "attachment_type_mismatch")


async def test_g7_a_script_that_begins_like_a_gif_is_refused(client: Client, session: str) -> None:
    upload = await uploaded(client, session, b"GIF89a/*" + b" " * 99 + b"*/=1;alert(1)", "image/gif")

    assert told(await posted(client, session, upload)) == (422, "attachment_invalid")


@pytest.mark.parametrize(
    ("mime", "data"),
    [
        ("image/png", png_of(30_000, 30_000, rows=300)),
        ("image/png", png_of(1, 2**31)),
        ("image/png", png_of(9, 9, frames=5_000)),
        ("image/gif", animation("GIF", 21)),
        ("image/webp", animation("WEBP", 21)),
    ],
    ids=["bomb", "tall", "apng", "gif", "webp"],
)
async def test_g8_g9_bombs_are_refused_from_the_header(
    client: Client, session: str, mime: str, data: bytes
) -> None:
    upload = await uploaded(client, session, data, mime)

    assert told(await posted(client, session, upload)) == (422, "attachment_invalid")


async def test_g8_metadata_before_the_picture_does_not_hide_its_size(client: Client, session: str) -> None:
    long = b"\xff\xe1\xff\xffExif" + bytes(0xFFFF - 6)
    whole = image("JPEG", (50, 40))
    honest = await uploaded(client, session, whole[:2] + long * 3 + whole[2:], "image/jpeg")
    png = png_of(9, 9, frames=5_000)
    hidden = await uploaded(client, session, png[:33] + chunk(b"tEXt", bytes(200_000)) + png[33:])

    assert (await posted(client, session, honest)).status_code == 202
    assert told(await posted(client, session, hidden)) == (422, "attachment_invalid")


async def test_g11_the_upload_url_takes_one_path_one_method_one_type_and_no_more_bytes(
    client: Client, session: str
) -> None:
    upload, other = await granted(client, session), await granted(client, session)
    elsewhere = Upload(upload.url.replace(upload.blob_path, other.blob_path), "", upload.mime)
    later = Upload(upload.url.replace("expires=1", "expires=2"), "", upload.mime)
    bare = Upload(upload.url.partition("?")[0], "", upload.mime)

    refused = [
        await put(elsewhere, image()),
        await put(later, image()),
        await put(bare, image()),
        await put(Upload(upload.url, "", "text/html"), image()),
        await put(upload, image(), **{"x-ms-blob-content-type": "image/jpeg"}),
        await client.http.get(upload.url),
    ]
    large = await put(upload, bytes(10_485_761))
    deleted = await client.http.delete(upload.url)

    assert {told(answer) for answer in refused} == {(403, "invalid_signature")}
    assert told(large) == (413, "attachment_too_large")
    assert deleted.status_code == 405
    assert told(await posted(client, session, upload)) == (422, "attachment_not_uploaded")
    assert (await put(upload, bytes(10_485_760))).status_code == 201


async def test_an_upload_url_ends_with_the_token_that_asked_for_it(
    client: Client, server: Server, session: str
) -> None:
    minted = await client.http.post("/public-api/sessions", json={"session_id": session, "ttl_seconds": 60})
    token = minted.json()["data"]
    end_user = Client(server.url, token["token"])

    asked = f"{SESSIONS}/{session}/attachments/upload-url"
    granted = await end_user.http.post(asked, json={"content_type": "image/png"})
    await end_user.http.aclose()

    [expires] = re.findall(r"[?&]expires=(\d+)", granted.json()["data"]["upload_url"])
    assert int(expires) <= datetime.fromisoformat(token["expires_at"]).timestamp()


async def test_g11_an_upload_url_expires(client: Client, server: Server, session: str) -> None:
    upload = await granted(client, session)
    signer = UrlSigner(((server.data / "secret").read_text().strip(),))
    named, address = f"{upload.blob_path}\n{upload.mime}", upload.url.partition("?")[0]
    late, early = (signer.sign("upload", named, seconds=seconds) for seconds in (-1, 60))

    expired = await put(Upload(f"{address}?{late}", "", upload.mime), image())
    good = await put(Upload(f"{address}?{early}", "", upload.mime), image())

    assert told(expired) == (403, "invalid_signature")
    assert good.status_code == 201


async def test_g14_a_filename_is_shown_and_nothing_else(client: Client, session: str) -> None:
    names = {
        "<script>alert(1)</script>.png": "script_.png",
        "../../etc/passwd": "passwd",
        "..\\..\\boot.ini": "boot.ini",
        "gnp.\u202eexe\u0007\u200b.png": "gnp.exe.png",
        "a" * 5_000: "a" * 150,
        "...": None,
        "": None,
        "träger 世界.png": "träger 世界.png",
    }
    for given, wanted in names.items():
        upload = await uploaded(client, session, image(), filename=given)
        assert given[:9] not in upload.blob_path or not given
        assert (await posted(client, session, upload)).status_code == 202
        file = files_of(await client.messages(session, order="desc", page_size=1))
        shown = file or files_of(await client.messages(session, order="desc"))
        assert shown[0].get("filename") == wanted


async def test_g15_a_download_is_never_a_page(client: Client, session: str) -> None:
    payload = image() + b"<!doctype html><script>alert(1)</script>"
    upload = await uploaded(client, session, payload, filename="page.html")
    accepted = await posted(client, session, upload)
    await client.ended(session, accepted.json()["data"]["chat_turn_id"])
    [file] = files_of(await client.messages(session))

    async with httpx2.AsyncClient(trust_env=False, verify=False) as http:
        answer = await http.get(file["url"])
        changed = await http.get(file["url"].replace("/page.", "/page2."))
        forged = await http.get(file["url"][:-1])

    assert answer.headers["content-type"] in ("image/png", "image/jpeg")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert answer.headers["content-disposition"].startswith("attachment; ")
    assert answer.headers["cache-control"].startswith("private")
    assert [told(one) for one in (changed, forged)] == [(403, "invalid_signature")] * 2


@pytest.mark.parametrize(
    "content_type", ["image/svg+xml", "application/pdf", "IMAGE/PNG", "image/png;a=b", ""]
)
async def test_only_images_that_we_take_are_granted(client: Client, session: str, content_type: str) -> None:
    answer = await ask_grant(client, session, content_type=content_type)

    assert told(answer) == (422, "attachment_type_unsupported")


async def test_nothing_is_granted_for_an_archived_session_or_anothers(
    client: Client, rows: Rows, session: str
) -> None:
    other = Client(str(client.http.base_url), (await rows.tenant()).api_key)
    foreign = await ask_grant(other, session)
    unread = await other.http.post(f"{SESSIONS}/{session}/attachments/upload-url", json={"content_type": 1})
    await client.http.post(f"{SESSIONS}/{session}/archive")

    assert told(await ask_grant(client, session)) == (409, "session_archived")
    assert told(foreign) == told(unread) == (404, "session_not_found")
    await other.http.aclose()


async def test_a_repeated_message_is_a_duplicate_although_its_image_is_used(
    client: Client, session: str
) -> None:
    upload = await uploaded(client, session, image())
    first = await posted(client, session, upload, client_message_id="one")

    again = await posted(client, session, upload, client_message_id="one")
    reworded = await client.post(
        session, "Look", client_message_id="one", attachments=[upload.cited(alt="Something else")]
    )
    without = await client.post(session, "Look", client_message_id="one")

    assert first.status_code == 202
    assert told(again) == (409, "duplicate_client_message_id")
    assert again.json()["error"]["details"]["user_message_id"] == first.json()["data"]["user_message_id"]
    assert told(reworded) == told(without) == (409, "client_message_id_reused")


async def test_of_two_messages_that_race_for_an_image_one_has_it(client: Client, session: str) -> None:
    upload = await uploaded(client, session, image())

    answers = await asyncio.gather(*(posted(client, session, upload) for _ in range(5)))

    assert sorted(answer.status_code for answer in answers) == [202, 422, 422, 422, 422]
    assert len(files_of(await client.messages(session))) == 1


async def test_a_refused_message_leaves_its_images_unused(client: Client, session: str) -> None:
    good, bad = await uploaded(client, session, image()), await uploaded(client, session, b"bad")

    refused = await posted(client, session, good, bad)
    accepted = await posted(client, session, good)

    assert told(refused) == (422, "attachment_type_mismatch")
    assert list(refused.json()["error"]["details"]["fields"]) == ["attachments.1"]
    assert accepted.status_code == 202


async def test_an_alt_text_has_a_bound(client: Client, session: str) -> None:
    upload = await uploaded(client, session, noise((9, 9)))

    answer = await client.post(session, "Look", attachments=[upload.cited(alt="x" * 2_001)])

    assert told(answer) == (422, "validation_error")


async def test_a_session_that_begins_with_an_image_is_named_by_its_first_words(
    client: Client, session: str
) -> None:
    upload = await uploaded(client, session, image())
    await client.say(session, "", attachments=[upload.cited()])
    unnamed = (await client.http.get(f"{SESSIONS}/{session}")).json()["data"]["title"]
    await client.say(session, "What was that?")
    named = (await client.http.get(f"{SESSIONS}/{session}")).json()["data"]["title"]

    assert (unnamed, named) == (None, "What was that?")
