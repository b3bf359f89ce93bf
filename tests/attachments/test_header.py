"""What an image says of itself is believed only as far as it can be checked cheaply (G6, G7, G8, G9)."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo.attachments.images.header import (
    FRAMES_MAX,
    Header,
    HeaderIncomplete,
    ImageUnreadable,
    read_header,
    sniffed,
)
from support.images import animation, image, noise, png_of, with_place

FORMS = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif", "WEBP": "image/webp"}
# Of the processor: what else runs on the machine does not count.
READING_SECONDS_MAX = 0.5


@pytest.mark.parametrize(("form", "mime"), FORMS.items())
def test_an_honest_image_is_read(form: str, mime: str) -> None:
    assert read_header(image(form)) == Header(mime, 40, 30)


@pytest.mark.parametrize("options", [{"lossless": True}, {"exif": b"Exif\0\0"}], ids=["lossless", "extended"])
def test_every_kind_of_webp_is_read(options: dict[str, Any]) -> None:
    assert read_header(image("WEBP", **options)) == Header("image/webp", 40, 30)


def test_a_jpeg_with_metadata_before_its_frame_is_read() -> None:
    assert read_header(with_place()) == Header("image/jpeg", 40, 30)


@pytest.mark.parametrize("form", ["PNG", "GIF", "WEBP"])
def test_frames_are_counted_and_bounded(form: str) -> None:
    assert read_header(animation(form, 5)).frames == 5
    assert read_header(animation(form, FRAMES_MAX)).frames == FRAMES_MAX
    with pytest.raises(ImageUnreadable, match="frames"):
        read_header(animation(form, FRAMES_MAX + 1))


@pytest.mark.parametrize(
    "data",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"<!doctype html><script>alert(1)</script>",
        b"%PDF-1.7\n",
        b"MZ\x90\0",
        b"BM" + bytes(60),
        b"II*\0" + bytes(60),
        b"",
    ],
    ids=["svg", "html", "pdf", "exe", "bmp", "tiff", "empty"],
)
def test_g6_what_is_no_image_of_ours_is_refused(data: bytes) -> None:
    with pytest.raises(ImageUnreadable):
        read_header(data)


def test_g7_a_script_that_begins_like_a_gif_is_refused() -> None:
    script = b"GIF89a/*" + b" " * 100 + b"*/=1;alert(1)"

    assert sniffed(script) == "image/gif"
    with pytest.raises(ImageUnreadable):
        read_header(script)


def test_g8_a_bomb_is_refused_from_its_header() -> None:
    bomb = png_of(30_000, 30_000, rows=300)
    began = time.thread_time()

    with pytest.raises(ImageUnreadable, match="25000000"):
        read_header(bomb)

    assert time.thread_time() - began < READING_SECONDS_MAX


@pytest.mark.parametrize(
    "data",
    [
        png_of(1, 2**31),
        png_of(2**32 - 1, 2**32 - 1),
        png_of(0, 5),
        png_of(9, 9, frames=1_000_000),
        b"GIF89a" + b"\xff\xff\xff\xff\0\0\0" + b";",
        b"\xff\xd8\xff\xc0\0\x11\x08\xff\xff\xff\xff" + bytes(20),
        b"RIFF\x20\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff",
    ],
    ids=["tall", "huge", "none", "apng", "gif", "jpeg", "webp"],
)
def test_g9_sizes_beyond_the_limits_are_refused(data: bytes) -> None:
    with pytest.raises(ImageUnreadable):
        read_header(data)


@pytest.mark.parametrize(
    "data",
    [
        png_of(9, 9)[:33] + b"\0\0\0\0tEXt\0\0\0\0" * 800_000,
        b"\xff\xd8" + b"\xff\xfe\0\x02" * 2_500_000,
        b"\xff\xd8\xff" + b"\xff" * 10_000_000,
        b"GIF89a\x08\0\x08\0\0\0\0!\xfe" + b"\x01a" * 5_000_000,
        b"GIF89a\x08\0\x08\0\0\0\0" + b"!\xfe\0" * 3_000_000,
        b"RIFF\xff\xff\xff\x7fWEBPVP8X\x0a\0\0\0\x02\0\0\0\x07\0\0\x07\0\0" + b"ABCD\0\0\0\0" * 1_000_000,
    ],
    ids=["chunks", "segments", "padding", "pieces", "blocks", "riff"],
)
def test_g9_files_of_countless_pieces_cost_no_time(data: bytes) -> None:
    began = time.thread_time()

    with pytest.raises(ImageUnreadable):
        read_header(data)

    assert time.thread_time() - began < READING_SECONDS_MAX


@pytest.mark.parametrize("form", FORMS)
def test_a_beginning_asks_for_more(form: str) -> None:
    with pytest.raises(HeaderIncomplete):
        read_header(noise((200, 200), form=form)[:13])


@given(st.sampled_from([image(form) for form in FORMS]), st.integers(0, 200), st.binary(max_size=60))
def test_g9_whatever_the_bytes_are_it_is_a_header_or_a_refusal(good: bytes, at: int, bad: bytes) -> None:
    try:
        read_header(good[:at] + bad + good[at + len(bad) :])
    except ImageUnreadable:
        return
