"""The short folder for Unix sockets, whose paths the kernel bounds."""

import os
import stat
from pathlib import Path

from neo.engines.errors import DataFolderUnfit

# Not the temporary folder of the environment: on macOS that is too long for a socket's path.
ROOT = Path("/tmp")  # noqa: S108
INSTANCE_CHARACTERS = 8
PRIVATE = 0o700
# As root, PostgreSQL's own user has to pass through to its socket; what lies beside it is closed by itself.
PASSABLE = 0o711


def socket_path(instance: str) -> Path:
    return ROOT / f"neo-{os.geteuid()}-{instance[:INSTANCE_CHARACTERS]}"


def socket_folder(instance: str) -> Path:
    """Make the folder, or take it over when it is certainly ours."""
    user = os.geteuid()
    folder = socket_path(instance)
    folder.mkdir(mode=PRIVATE, exist_ok=True)
    # Anyone may write in /tmp, so what is found there is looked at without following it.
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != user:
        raise DataFolderUnfit(f"{folder} belongs to somebody else. Remove it, or ask an administrator to.")
    folder.chmod(PRIVATE if user else PASSABLE)
    return folder
