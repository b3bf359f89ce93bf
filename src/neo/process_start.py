"""How the API's and the worker's processes begin: settings, logs, and nothing in their hands that they do not need."""

import os
import sys

import structlog

from neo.kit import arm_failpoints
from neo.settings import FILE_SUFFIX, Settings, read_settings
from neo.telemetry import configure_logs

log = structlog.get_logger()

OWNER_URL = "NEO_DATABASE_OWNER_URL"
OWNERS = (OWNER_URL, OWNER_URL + FILE_SUFFIX)


def settings_at_start() -> Settings:
    settings = read_settings()
    configure_logs(log_format=settings.log.log_format, level=settings.log.log_level)
    if settings.database.database_owner_url is not None:
        log.warning("owner_url_dropped", reason=f"Do not give {OWNER_URL} to a server: it never needs it.")
        _start_anew_without_owner()
    arm_failpoints(settings.server.failpoints)
    return settings


def _start_anew_without_owner() -> None:
    """A process cannot forget what it was started with: whoever reads its memory would find the owner's password."""
    kept = {name: value for name, value in os.environ.items() if name not in OWNERS}
    sys.stderr.flush()
    os.execve(sys.executable, [sys.executable, "-m", "neo", *sys.argv[1:]], kept)  # noqa: S606 - it is ourselves.
