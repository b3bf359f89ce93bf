"""Says what went wrong with a part."""

import sys


def warn(event: str, **fields: object) -> None:
    """One warning; to stderr even when nobody has configured logs, for stdout may carry JSON."""
    # It takes longer to import than Valkey takes to start, and a good run has nothing to report.
    import structlog  # noqa: PLC0415

    if structlog.is_configured():
        log = structlog.get_logger("neo.engines")
    else:
        log = structlog.wrap_logger(structlog.PrintLogger(sys.stderr))
    log.warning(event, **fields)
