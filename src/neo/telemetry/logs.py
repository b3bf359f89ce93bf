import logging
import sys
from io import StringIO
from typing import TextIO

import structlog
from structlog.typing import EventDict, ExcInfo

from neo.kit import redact_line, redacted_traceback

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
# Libraries that log at INFO what our own lines say already.
QUIET = ("uvicorn.access", "httpx2", "httpx", "alembic", "temporalio")


def configure_logs(*, log_format: str, level: str) -> None:
    """Write our log lines to stderr, and the libraries' in the same format. Ours bypass the standard library's records,
    which would double the time that a line takes.
    """
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, *_rendered(log_format)],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendered(log_format)],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(LEVELS[level])
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, LEVELS[level]))


def _rendered(log_format: str) -> list[structlog.types.Processor]:
    if log_format == "json":
        traced = structlog.processors.format_exc_info
        return [traced, _traceback_without_secrets, structlog.processors.JSONRenderer(), redact_line]
    console = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=_write_traceback)
    return [console, redact_line]


def _traceback_without_secrets(_logger: object, _method: str, line: EventDict) -> EventDict:
    if isinstance(traced := line.get("exception"), str):
        line["exception"] = redacted_traceback(traced)
    return line


def _write_traceback(out: TextIO, error: ExcInfo) -> None:
    """In place of the library's own, which shows local variables: messages and keys are among them."""
    traced = StringIO()
    structlog.dev.plain_traceback(traced, error)
    out.write(redacted_traceback(traced.getvalue()))
