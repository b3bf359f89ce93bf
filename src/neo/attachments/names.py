"""File names as shown to people; they are never used as paths."""

import unicodedata
from pathlib import PurePosixPath
from urllib.parse import quote

CHARACTERS_MAX = 150
UNNAMED = "image"
# Of the types that pixels are stored as.
EXTENSIONS = {"image/png": ".png", "image/jpeg": ".jpg"}
# Characters with a special meaning in some system's file names.
SPECIAL = str.maketrans(dict.fromkeys('<>:"|?*', "_"))


def shown_name(filename: str | None) -> str | None:
    """The last path segment without control and direction characters; None when nothing is left."""
    last = (filename or "").replace("\\", "/").rpartition("/")[2]
    kept = "".join(letter for letter in last if not _is_invisible(letter)).translate(SPECIAL)
    return kept.strip(" .")[:CHARACTERS_MAX].strip(" .") or None


def saved_name(filename: str | None, mime: str) -> str:
    """The name under which the pixels are saved: it ends as their type does, whatever the upload was called."""
    stem = PurePosixPath(filename or UNNAMED).stem or UNNAMED
    return f"{stem}{EXTENSIONS.get(mime, '')}"


def disposition(filename: str) -> str:
    """A Content-Disposition header that has the file saved under its name (RFC 6266), and not shown as a page."""
    plain = "".join(letter if " " < letter <= "~" and letter not in '"\\%' else "_" for letter in filename)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"


def _is_invisible(letter: str) -> bool:
    return unicodedata.category(letter)[0] == "C" or unicodedata.category(letter) in ("Zl", "Zp")
