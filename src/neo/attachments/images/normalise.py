"""Makes one image harmless, in a cage: bytes in on stdin, bytes out on stdout.

What the library would import while it decodes is imported here, because the cage has no files. The answer is one line
of JSON, then the image. `UNREADABLE` is the exit code for an image that cannot be decoded.
"""

import copy
import json
import sys
import warnings
from io import BytesIO

from PIL import (
    GifImagePlugin,
    Image,
    ImageOps,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

UNREADABLE = 65  # EX_DATAERR of sysexits.h.
PIXELS_MAX = 25_000_000
SIDE_MAX = 2048
# Providers take images of up to 5 MB in base64, which is a third more.
BYTES_MAX = 3_700_000
QUALITIES = (90, 75, 50)
FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
WHITE = (255, 255, 255)
LOADED = (
    copy,
    GifImagePlugin,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

Image.preinit()
Image.MAX_IMAGE_PIXELS = PIXELS_MAX
warnings.simplefilter("error", Image.DecompressionBombWarning)


def main() -> int:
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
