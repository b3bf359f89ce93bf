"""Reads an image's type and size from its header, without decoding it.

Every step is bounded: this is the first code that reads a stranger's file.
"""

# ruff: noqa: PLR2004 - the formats' own bytes, which a name would not explain better than their specifications do.

import struct
from collections.abc import Callable
from dataclasses import dataclass

# A decoded pixel takes up to 4 bytes, and turning an image takes them twice; a phone's picture has 12 million.
PIXELS_MAX = 25_000_000
FRAMES_MAX = 20
# Real files have dozens of pieces before the picture, or in a picture of few frames.
PIECES_MAX = 20_000

PNG, JPEG, GIF, WEBP = "image/png", "image/jpeg", "image/gif", "image/webp"
TYPES = (PNG, JPEG, GIF, WEBP)


class ImageUnreadable(Exception):
    """Not an image of a type that we know, or one that is broken or too large to be decoded."""


class HeaderIncomplete(ImageUnreadable):
    """The bytes are valid so far and end before size and type are known: read more."""


@dataclass(frozen=True, slots=True)
class Header:
    mime: str
    width: int
    height: int
    frames: int = 1


def read_header(data: bytes) -> Header:
    """The image's type, size and number of frames, within the limits; raises `ImageUnreadable`."""
    mime = sniffed(data)
    if mime is None:
        raise ImageUnreadable("not an image of a known type")
    try:
        header = READERS[mime](data)
    except (struct.error, IndexError) as error:
        raise HeaderIncomplete("it ends early") from error
    if header.width < 1 or header.height < 1 or header.width * header.height > PIXELS_MAX:
        raise ImageUnreadable(f"an image has 1 to {PIXELS_MAX} pixels")
    if header.frames > FRAMES_MAX:
        raise ImageUnreadable(f"an animation has at most {FRAMES_MAX} frames")
    return header


def sniffed(data: bytes) -> str | None:
    """The type recognised from the first bytes, whatever type the sender declares."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if data.startswith(b"\xff\xd8\xff"):
        return JPEG
    if data.startswith((b"GIF87a", b"GIF89a")):
        return GIF
    return WEBP if data.startswith(b"RIFF") and data[8:12] == b"WEBP" else None


def _png(data: bytes) -> Header:
    length, kind, width, height = struct.unpack_from(">I4sII", data, 8)
    if (length, kind) != (13, b"IHDR"):
        raise ImageUnreadable("a PNG begins with IHDR")
    frames, at = 1, 8
    for _ in range(PIECES_MAX):
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"IDAT":
            return Header(PNG, width, height, frames)
        if kind == b"acTL":
            (frames,) = struct.unpack_from(">I", data, at + 8)
        at += 12 + length
    raise ImageUnreadable("a PNG of too many chunks")


def _jpeg(data: bytes) -> Header:
    at = 2
    for _ in range(PIECES_MAX):
        if data[at] != 0xFF:
            raise ImageUnreadable("a JPEG is made of markers")
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, at + 5)
            return Header(JPEG, width, height)
        elif marker in (0x00, 0x01, 0xD8, 0xD9, 0xDA) or 0xD0 <= marker <= 0xD7:
            raise ImageUnreadable("a JPEG without a frame")
        else:
            (length,) = struct.unpack_from(">H", data, at + 2)
            at += 2 + max(length, 2)
    raise ImageUnreadable("a JPEG of too many segments")


def _gif(data: bytes) -> Header:
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    at, frames = 13 + _palette(flags), 0
    for _ in range(PIECES_MAX):
        kind = data[at]
        if kind == 0x3B and frames:
            return Header(GIF, width, height, frames)
        if kind == 0x2C:
            # A frame may reach beyond the screen, and decoders make the screen larger for it.
            left, top, wide, high, flags = struct.unpack_from("<HHHHB", data, at + 1)
            width, height, frames = max(width, left + wide), max(height, top + high), frames + 1
            if frames > FRAMES_MAX:
                return Header(GIF, width, height, frames)
            at = _gif_blocks(data, at + 11 + _palette(flags))
        elif kind == 0x21:
            at = _gif_blocks(data, at + 2)
        else:
            raise ImageUnreadable("a GIF is made of blocks")
    raise ImageUnreadable("a GIF of too many blocks")


def _gif_blocks(data: bytes, at: int) -> int:
    """Where the next block begins, after this one's sub-blocks of up to 255 bytes."""
    # Ten megabytes of full sub-blocks are 41,000: about half of this bound.
    for _ in range(PIECES_MAX * 4):
        if data[at] == 0:
            return at + 1
        at += 1 + data[at]
    raise ImageUnreadable("a GIF of too many pieces")


def _palette(flags: int) -> int:
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _webp(data: bytes) -> Header:
    (kind,) = struct.unpack_from("4s", data, 12)
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return Header(WEBP, width & 0x3FFF, height & 0x3FFF)
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return Header(WEBP, (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if kind != b"VP8X":
        raise ImageUnreadable("a WebP of an unknown kind")
    flags, wide, high = data[20], data[24:27], data[27:30]
    if len(high) < 3:
        raise HeaderIncomplete("it ends early")
    width, height = int.from_bytes(wide, "little") + 1, int.from_bytes(high, "little") + 1
    return Header(WEBP, width, height, _webp_frames(data) if flags & 0x02 else 1)


def _webp_frames(data: bytes) -> int:
    (whole,) = struct.unpack_from("<I", data, 4)
    at, frames = 12, 0
    for _ in range(PIECES_MAX):
        if at >= whole + 8 or frames > FRAMES_MAX:
            return frames
        kind, length = struct.unpack_from("<4sI", data, at)
        frames += kind == b"ANMF"
        at += 8 + length + length % 2
    raise ImageUnreadable("a WebP of too many chunks")


READERS: dict[str, Callable[[bytes], Header]] = {PNG: _png, JPEG: _jpeg, GIF: _gif, WEBP: _webp}
