"""Makes one image harmless, in a process of its own: bytes in on stdin, bytes out on stdout.

Run by its path, so that nothing of Neo is imported into the process that decodes a stranger's bytes. The answer
is one line of JSON, then the image. `UNREADABLE` is the exit code for an image that cannot be decoded.
"""

import json
import os
import resource
import sys
import warnings
from contextlib import suppress
from io import BytesIO

from PIL import Image, ImageOps, UnidentifiedImageError

UNREADABLE = 65  # EX_DATAERR of sysexits.h.
CPU_SECONDS = 20
# Twice the pixels of the largest image at 4 bytes, the interpreter and the library, with room.
MEMORY_BYTES = 1024 * 1024 * 1024
NICENESS = 5
PIXELS_MAX = 25_000_000
SIDE_MAX = 2048
# Providers take images of up to 5 MB in base64, which is a third more.
BYTES_MAX = 3_700_000
QUALITIES = (90, 75, 50)
FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
WHITE = (255, 255, 255)


def main() -> int:
    _limit()
    data = sys.stdin.buffer.read()
    try:
        mime, image, normalised = _normalised(data)
    except (OSError, ValueError, SyntaxError, ArithmeticError, LookupError, MemoryError) as error:
        return _unreadable(error)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, UnidentifiedImageError) as error:
        return _unreadable(error)
    answer = json.dumps({"mime": mime, "width": image.width, "height": image.height})
    sys.stdout.buffer.write(answer.encode() + b"\n" + normalised)
    return 0


def _limit() -> None:
    limits = {
        resource.RLIMIT_CPU: CPU_SECONDS,
        resource.RLIMIT_AS: MEMORY_BYTES,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
    }
    for limit, most in limits.items():
        # macOS has no limit of the address space.
        with suppress(ValueError, OSError):
            resource.setrlimit(limit, (most, most))
    os.nice(NICENESS)
    Image.MAX_IMAGE_PIXELS = PIXELS_MAX
    warnings.simplefilter("error", Image.DecompressionBombWarning)


def _normalised(data: bytes) -> tuple[str, Image.Image, bytes]:
    with Image.open(BytesIO(data), formats=FORMATS) as opened:
        # Some formats decode the whole image even when a smaller size is asked for.
        opened.thumbnail((SIDE_MAX, SIDE_MAX))
        plain = _plain(ImageOps.exif_transpose(opened))
    # The metadata (locations, names, profiles, text) must not be written again.
    plain.info.clear()
    if plain.mode == "RGBA":
        encoded = _encoded(plain, "PNG")
        if len(encoded) <= BYTES_MAX:
            return "image/png", plain, encoded
        plain = _on_white(plain)
    for quality in QUALITIES:
        encoded = _encoded(plain, "JPEG", quality=quality)
        if len(encoded) <= BYTES_MAX:
            break
    return "image/jpeg", plain, encoded


def _plain(image: Image.Image) -> Image.Image:
    """The first frame as RGBA when it has transparency, else as RGB."""
    if image.mode.startswith("I"):
        # Sixteen bits a sample: the library would cut them off instead of scaling them.
        image = image.point(lambda sample: sample * (1 / 256)).convert("L")
    if not image.has_transparency_data:
        return image.convert("RGB")
    through = image.convert("RGBA")
    lowest, _ = through.getchannel("A").getextrema()
    return through.convert("RGB") if lowest == 255 else through  # noqa: PLR2004 - opaque.


def _on_white(image: Image.Image) -> Image.Image:
    ground = Image.new("RGB", image.size, WHITE)
    ground.paste(image, mask=image.getchannel("A"))
    return ground


def _encoded(image: Image.Image, form: str, **options: int) -> bytes:
    written = BytesIO()
    image.save(written, form, **options)
    return written.getvalue()


def _unreadable(error: BaseException) -> int:
    sys.stderr.write(f"{type(error).__name__}\n")
    return UNREADABLE


if __name__ == "__main__":
    sys.exit(main())
