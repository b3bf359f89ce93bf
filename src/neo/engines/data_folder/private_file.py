"""Files that only their owner can read, written whole or not at all."""

import contextlib
import os
from pathlib import Path

PRIVATE_FILE = 0o600


def write_once(file: Path, text: str) -> None:
    """Write a whole, private, durable file; the first of two writers wins."""
    fresh = file.with_name(f"{file.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE), "w") as out:
        out.write(f"{text}\n")
        out.flush()
        os.fsync(out.fileno())
    try:
        with contextlib.suppress(FileExistsError):
            os.link(fresh, file)
    finally:
        fresh.unlink()


def replace_file(file: Path, text: str) -> None:
    """Replace a file's text; it is not synced, so a power cut may leave the old, the new, or a broken file."""
    fresh = file.with_name(f"{file.name}.new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE), "w") as out:
        out.write(text)
    fresh.replace(file)
