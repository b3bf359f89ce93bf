"""A red square, as PNG. Smaller ones are refused by some providers."""

import struct
import zlib

_SIDE = 64
_RED = b"\xff\x00\x00"


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


_ROWS = (b"\0" + _RED * _SIDE) * _SIDE
PICTURE = b"".join(
    (
        b"\x89PNG\r\n\x1a\n",
        _chunk(b"IHDR", struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 2, 0, 0, 0)),
        _chunk(b"IDAT", zlib.compress(_ROWS)),
        _chunk(b"IEND", b""),
    )
)
