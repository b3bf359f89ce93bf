"""A server without a store for attachments says so, and shows what it can."""

from uuid import uuid4

import pytest

from neo.access import InvalidSignature, UrlSigner
from neo.attachments import (
    Attachment,
    AttachmentInvalid,
    AttachmentsNotConfigured,
    BlobUrls,
    Normaliser,
    Pixels,
    SignedBlobAccess,
    TransfersMax,
)
from neo.cage import Cage
from support.rows import Rows

SIGNER = UrlSigner(("a secret of at least 32 characters, for tests",))
BASE = "http://neo.example"


async def test_nothing_is_granted() -> None:
    with pytest.raises(AttachmentsNotConfigured):
        await BlobUrls(None, SIGNER, None).for_upload(BASE, "a/b/c", "image/png")


async def test_who_holds_a_url_is_told_and_nobody_else(rows: Rows) -> None:
    access = SignedBlobAccess(rows.database, None, SIGNER, TransfersMax(1, 1, 1))
    named = f"{uuid4()}/{uuid4()}/c/image"

    access.check_read(named, SIGNER.sign("read", named, seconds=60).encode())
    with pytest.raises(AttachmentsNotConfigured):
        await access.read(named)
    with pytest.raises(InvalidSignature):
        access.check_read(named, b"v=1")
    with pytest.raises(AttachmentsNotConfigured):
        await access.granted("a", "image/png", SIGNER.sign("upload", "a\nimage/png", seconds=60).encode())


async def test_an_earlier_image_is_shown_without_an_address() -> None:
    attachment = Attachment(id=uuid4(), blob_path="a/b/c", mime="image/png")

    assert await BlobUrls(None, SIGNER, None).for_reading(BASE, attachment) == ""


async def test_a_turn_with_images_fails_as_such(rows: Rows) -> None:
    with pytest.raises(AttachmentInvalid):
        await Pixels(rows.database, None, Normaliser(Cage())).prepare(uuid4(), uuid4())
