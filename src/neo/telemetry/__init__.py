"""Structured logs that one can grep by request, session and turn id. No message text and no secret goes in."""

from neo.telemetry.logs import configure_logs

__all__ = ["configure_logs"]
