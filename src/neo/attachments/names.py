"""What a file is called: shown to people, and never a path."""

import unicodedata
from urllib.parse import quote

CHARACTERS_MAX = 150
UNNAMED = "image"
# What some system reads as more than a letter of a name.
SPECIAL = str.maketrans(dict.fromkeys('<>:"|?*', "_"))


def shown_name(filename: str | None) -> str | None:
    """The last part of it, without what turns, hides or ends text; None when nothing is left."""
    last = (filename or "").replace("\\", "/").rpartition("/")[2]
    kept = "".join(letter for letter in last if not _is_invisible(letter)).translate(SPECIAL)
    return kept.strip(" .")[:CHARACTERS_MAX].strip(" .") or None


def disposition(filename: str) -> str:
    """To be saved and not to be shown in place, under its name (RFC 6266)."""
    plain = "".join(letter if " " < letter <= "~" and letter not in '"\\%' else "_" for letter in filename)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"


def _is_invisible(letter: str) -> bool:
    return unicodedata.category(letter)[0] == "C" or unicodedata.category(letter) in ("Zl", "Zp")
