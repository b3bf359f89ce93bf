"""Logs what went wrong with a supervised part."""

import sys


def warn(event: str, **fields: object) -> None:
    """Log one warning, to stderr even when logs are not configured: stdout may carry JSON."""
    # It takes longer to import than Valkey takes to start, and a good run has nothing to report.
    import structlog  # noqa: PLC0415

    if structlog.is_configured():
        log = structlog.get_logger("neo.engines")
    else:
        log = structlog.wrap_logger(structlog.PrintLogger(sys.stderr))
    log.warning(event, **fields)
