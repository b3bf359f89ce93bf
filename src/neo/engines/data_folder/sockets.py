"""A folder with a short path for Unix sockets, because the kernel limits the length of their paths."""

import os
import stat
from pathlib import Path

from neo.engines.errors import DataFolderUnfit

# Not the temporary folder of the environment: on macOS that is too long for a socket's path.
ROOT = Path("/tmp")  # noqa: S108
INSTANCE_CHARACTERS = 8
PRIVATE = 0o700
# Under root, PostgreSQL's user must pass through to its socket; the other files have their own modes.
PASSABLE = 0o711


def socket_path(instance: str) -> Path:
    return ROOT / f"neo-{os.geteuid()}-{instance[:INSTANCE_CHARACTERS]}"


def socket_folder(instance: str) -> Path:
    """Create the folder, or use an existing one that is certainly ours."""
    user = os.geteuid()
    folder = socket_path(instance)
    folder.mkdir(mode=PRIVATE, exist_ok=True)
    # Anyone may write to /tmp, so an existing entry is inspected without following symbolic links.
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != user:
        raise DataFolderUnfit(f"{folder} belongs to somebody else. Remove it, or ask an administrator to.")
    folder.chmod(PRIVATE if user else PASSABLE)
    return folder
